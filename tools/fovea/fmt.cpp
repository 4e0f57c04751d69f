//===- fmt.cpp - fovea fmt: one layout for every program ------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Format.h"
#include "tools/fovea/Command.h"
#include "tools/fovea/Input.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/raw_ostream.h"

using namespace fovea;
namespace cl = llvm::cl;

static cl::SubCommand parser("fmt", "Lay programs out, in place");
static cl::list<std::string> files(cl::Positional, cl::OneOrMore,
                                   cl::desc("FILE.attn... (- prints)"),
                                   cl::sub(parser));
static cl::opt<bool> checkOnly("check",
                               cl::desc("Change nothing; exit with 1 when a "
                                        "file is laid out otherwise"),
                               cl::sub(parser));

/// Replaces a file as a whole, so that a full disk never leaves half of one.
static bool writeFile(llvm::StringRef path, llvm::StringRef text) {
  llvm::Error error = llvm::writeToOutput(path, [&](llvm::raw_ostream &os) {
    os << text;
    return llvm::Error::success();
  });
  if (!error)
    return true;
  llvm::errs() << "fovea: error: cannot write '" << path
               << "': " << llvm::toString(std::move(error)) << '\n';
  return false;
}

/// Exit status: 0 when all is laid out, 1 for a program with errors (it is
/// left as it is) or, with --check, one to change; 2 when a file fails.
static int run() {
  int status = 0;
  for (const std::string &path : files) {
    llvm::SourceMgr sources;
    std::optional<unsigned> buffer = tool::openSource(sources, path);
    if (!buffer) {
      status = 2;
      continue;
    }
    frontend::Diagnostics diags(sources);
    llvm::StringRef text = sources.getMemoryBuffer(*buffer)->getBuffer();
    std::optional<std::string> formatted = frontend::format(text, diags);
    diags.print(llvm::errs());
    if (!formatted) {
      status = std::max(status, 1);
    } else if (path == "-") {
      llvm::outs() << *formatted;
    } else if (*formatted != text) {
      if (checkOnly) {
        llvm::outs() << path << '\n';
        status = std::max(status, 1);
      } else if (!writeFile(path, *formatted)) {
        status = 2;
      }
    }
  }
  return status;
}

const tool::Command tool::fmtCommand = {&parser, run};
