//===- mapped_file.cpp - A file in memory ---------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/mapped_file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace fovea::runtime;

MappedFile::MappedFile(MappedFile &&other) noexcept
    : memory(std::exchange(other.memory, nullptr)),
      length(std::exchange(other.length, 0)) {}

MappedFile &MappedFile::operator=(MappedFile &&other) noexcept {
  std::swap(memory, other.memory);
  std::swap(length, other.length);
  return *this;
}

MappedFile::~MappedFile() {
  if (memory)
    munmap(memory, length);
}

fovea_status MappedFile::open(const char *path, bool isWritable,
                              fovea_error *error) {
  // Without O_NONBLOCK, opening a named pipe would wait for its other end.
  int file = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0)
    return fail(error, FOVEA_IO_ERROR, "cannot open '%s': %s", path,
                Text<128>::ofError(errno).c_str());
  struct stat properties;
  if (fstat(file, &properties) != 0 || !S_ISREG(properties.st_mode)) {
    close(file);
    return fail(error, FOVEA_IO_ERROR, "cannot open '%s': not a regular file",
                path);
  }
  if (properties.st_size > 0) {
    int protection = PROT_READ | (isWritable ? PROT_WRITE : 0);
    void *mapped = mmap(nullptr, size_t(properties.st_size), protection,
                        MAP_PRIVATE, file, 0);
    if (mapped == MAP_FAILED) {
      int code = errno;
      close(file);
      return fail(error, FOVEA_IO_ERROR, "cannot map '%s': %s", path,
                  Text<128>::ofError(code).c_str());
    }
    memory = static_cast<char *>(mapped);
    length = size_t(properties.st_size);
  }
  close(file);
  return FOVEA_OK;
}
