//===- error.h - Failing with a message -------------------------*- C++ -*-===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_RUNTIME_ERROR_H
#define FOVEA_RUNTIME_ERROR_H

#include "runtime/fovea.h"

#include <cstdarg>
#include <cstdio>
#include <new>
#include <system_error>

namespace fovea::runtime {

/// Stores the status and the printf-style message in `error`, which may be
/// null, and returns the status. Allocates nothing.
fovea_status fail(fovea_error *error, fovea_status status, const char *format,
                  ...) __attribute__((format(printf, 3, 4)));

/// Makes `error`, which may be null, say that all went well.
fovea_status succeed(fovea_error *error);

/// Runs the body of a function of the C API: no exception leaves it.
template <typename Body>
fovea_status guarded(fovea_error *error, Body body) noexcept {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return fail(error, FOVEA_OUT_OF_MEMORY, "out of memory");
  } catch (...) {
    return fail(error, FOVEA_OUT_OF_MEMORY, "out of a system resource");
  }
}

/// Text of bounded size, for parts of messages: what does not fit is cut.
template <size_t Size>
class Text {
public:
  Text() { chars[0] = '\0'; }

  __attribute__((format(printf, 2, 3))) Text &append(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vappend(format, arguments);
    va_end(arguments);
    return *this;
  }

  void vappend(const char *format, va_list arguments) {
    int length = std::vsnprintf(chars + used, Size - used, format, arguments);
    if (length > 0)
      used = used + size_t(length) < Size ? used + size_t(length) : Size - 1;
  }

  /// The system's message for an errno.
  static Text ofError(int code) {
    Text text;
    text.append("%s", std::generic_category().message(code).c_str());
    return text;
  }

  const char *c_str() const { return chars; }

private:
  size_t used = 0;
  char chars[Size];
};

} // namespace fovea::runtime

#endif
