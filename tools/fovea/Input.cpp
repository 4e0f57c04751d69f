//===- Input.cpp - Reading programs, for all subcommands ------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea/Input.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace fovea;

std::optional<unsigned> tool::openSource(llvm::SourceMgr &sources,
                                         llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(path, /*IsText=*/true);
  if (!buffer) {
    llvm::errs() << "fovea: error: cannot read '" << path
                 << "': " << buffer.getError().message() << '\n';
    return std::nullopt;
  }
  return sources.AddNewSourceBuffer(std::move(*buffer), llvm::SMLoc());
}

/// `<prefix>/share/fovea` beside the running program, wherever it was moved.
static std::string installedLibrary() {
  static const char anchor = 0;
  std::string program =
      llvm::sys::fs::getMainExecutable(nullptr, const_cast<char *>(&anchor));
  llvm::SmallString<256> path(llvm::sys::path::parent_path(program));
  llvm::sys::path::append(path, "..", FOVEA_INSTALLED_LIBRARY);
  llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/true);
  return path.str().str();
}

std::optional<frontend::Options>
tool::makeOptions(llvm::ArrayRef<std::string> settings,
                  llvm::ArrayRef<std::string> searchPaths) {
  frontend::Options options;
  for (const std::string &text : settings) {
    std::optional<frontend::Setting> setting = frontend::parseSetting(text);
    if (!setting) {
      llvm::errs() << "fovea: error: expected --set FUNCTION.NAME=VALUE, but "
                      "found '"
                   << text << "'\n";
      return std::nullopt;
    }
    options.settings.push_back(*setting);
  }
  options.searchPaths = searchPaths.vec();
  std::string installed = installedLibrary();
  if (llvm::sys::fs::is_directory(installed))
    options.searchPaths.push_back(installed);
  if (llvm::sys::fs::is_directory(FOVEA_SOURCE_LIBRARY))
    options.searchPaths.push_back(FOVEA_SOURCE_LIBRARY);
  return options;
}

void tool::printVersion(llvm::raw_ostream &os) {
  os << "Fovea " FOVEA_VERSION ", with LLVM " LLVM_VERSION_STRING "\n";
}
