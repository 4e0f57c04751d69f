//===- Files.cpp - Files that appear whole or not at all ------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/emit/Emit.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

static Error cannotWrite(StringRef path, std::error_code code) {
  return createStringError(code,
                           "cannot write '" + path + "': " + code.message());
}

/// Writes all of `contents`; what the system refuses is an error.
static Error writeAll(raw_fd_ostream &stream, StringRef path,
                      StringRef contents) {
  stream << contents;
  stream.flush();
  std::error_code code = stream.error();
  stream.clear_error();
  return code ? cannotWrite(path, code) : Error::success();
}

/// Creates an empty file beside `path`, with the permissions of a new file, and
/// calls `fill` with its name; then it takes the place of `path`.
static Error replaceFile(StringRef path,
                         function_ref<Error(StringRef, int)> fill) {
  SmallString<128> temporary;
  int descriptor = -1;
  unsigned mode = sys::fs::all_read | sys::fs::all_write;
  if (std::error_code code = sys::fs::createUniqueFile(
          path + ".tmp%%%%%%", descriptor, temporary, sys::fs::OF_None, mode))
    return cannotWrite(path, code);
  scope_exit remove([&] { sys::fs::remove(temporary); });
  if (Error error = fill(temporary, descriptor))
    return error;
  if (std::error_code code = sys::fs::rename(temporary, path))
    return cannotWrite(path, code);
  remove.release();
  return Error::success();
}

Error fovea::emit::writeFile(StringRef path, StringRef contents) {
  if (path == "-")
    return writeAll(outs(), "standard output", contents);
  // A device such as /dev/null is written to, not replaced.
  sys::fs::file_status status;
  if (!sys::fs::status(path, status) &&
      status.type() != sys::fs::file_type::regular_file &&
      status.type() != sys::fs::file_type::directory_file) {
    std::error_code code;
    raw_fd_ostream stream(path, code);
    if (code)
      return cannotWrite(path, code);
    return writeAll(stream, path, contents);
  }
  return replaceFile(path, [&](StringRef, int descriptor) -> Error {
    raw_fd_ostream stream(descriptor, /*shouldClose=*/true);
    return writeAll(stream, path, contents);
  });
}

/// The command of a C compiler, which knows how the system links libraries.
static Expected<SmallVector<std::string>> findLinkDriver(StringRef triple) {
  if (triple.empty()) {
    for (StringRef name : {"cc", "clang", "clang-22", "gcc"})
      if (ErrorOr<std::string> path = sys::findProgramByName(name))
        return SmallVector<std::string>{*path};
    return createStringError("expected a C compiler (cc, clang or gcc) on the "
                             "search path to link a shared library, but found "
                             "none; --emit=obj needs none");
  }
  if (ErrorOr<std::string> path =
          sys::findProgramByName((triple + "-gcc").str()))
    return SmallVector<std::string>{*path};
  for (StringRef name : {"clang", "clang-22"})
    if (ErrorOr<std::string> path = sys::findProgramByName(name))
      return SmallVector<std::string>{*path, ("--target=" + triple).str()};
  return createStringError("expected " + triple +
                           "-gcc or clang on the search path to link a shared "
                           "library, but found neither; --emit=obj needs none");
}

Error fovea::emit::linkSharedLibrary(StringRef object, StringRef path,
                                     StringRef triple) {
  Expected<SmallVector<std::string>> driver = findLinkDriver(triple);
  if (!driver)
    return driver.takeError();
  SmallString<128> objectPath;
  int objectFile = -1;
  if (std::error_code code =
          sys::fs::createTemporaryFile("fovea", "o", objectFile, objectPath))
    return cannotWrite("a temporary object file", code);
  scope_exit remove([&] { sys::fs::remove(objectPath); });
  raw_fd_ostream stream(objectFile, /*shouldClose=*/true);
  if (Error error = writeAll(stream, objectPath, object))
    return error;
  stream.close();
  return replaceFile(path, [&](StringRef temporary, int descriptor) -> Error {
    sys::fs::file_t file = sys::fs::convertFDToNativeFile(descriptor);
    sys::fs::closeFile(file);
    std::string message;
    SmallVector<StringRef> command(driver->begin(), driver->end());
    command.append({"-shared", "-o", temporary, objectPath, "-lm",
                    "-Wl,-z,noexecstack", "-Wl,--no-undefined"});
    int status = sys::ExecuteAndWait(command.front(), command, std::nullopt, {},
                                     0, 0, &message);
    if (status != 0)
      return createStringError("cannot link '" + path + "': '" +
                               command.front() + "' failed" +
                               (message.empty() ? "" : ": " + message));
    return Error::success();
  });
}
