//===- status.cpp - Status codes, versions --------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/error.h"

#include <cstdio>

using namespace fovea::runtime;

fovea_status fovea::runtime::fail(fovea_error *error, fovea_status status,
                                  const char *format, ...) {
  if (!error)
    return status;
  error->status = status;
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(error->message, sizeof error->message, format, arguments);
  va_end(arguments);
  return status;
}

fovea_status fovea::runtime::succeed(fovea_error *error) {
  if (error) {
    error->status = FOVEA_OK;
    error->message[0] = '\0';
  }
  return FOVEA_OK;
}

const char *fovea_status_name(fovea_status status) {
  switch (status) {
  case FOVEA_OK:
    return "ok";
  case FOVEA_INVALID_ARGUMENT:
    return "invalid argument";
  case FOVEA_BAD_SHAPE:
    return "bad shape";
  case FOVEA_BAD_DTYPE:
    return "bad dtype";
  case FOVEA_BAD_LAYOUT:
    return "bad layout";
  case FOVEA_BAD_DEVICE:
    return "bad device";
  case FOVEA_REQUIREMENT_FAILED:
    return "requirement failed";
  case FOVEA_INDEX_CLAMPED:
    return "index clamped";
  case FOVEA_UNSUPPORTED_CPU:
    return "unsupported cpu";
  case FOVEA_BAD_PROGRAM:
    return "bad program";
  case FOVEA_IO_ERROR:
    return "i/o error";
  case FOVEA_BAD_FILE:
    return "bad file";
  case FOVEA_BAD_WEIGHTS:
    return "bad weights";
  case FOVEA_OUT_OF_MEMORY:
    return "out of memory";
  case FOVEA_BUSY:
    return "busy";
  }
  return "unknown status";
}

uint32_t fovea_abi_version(void) { return FOVEA_ABI_VERSION; }
