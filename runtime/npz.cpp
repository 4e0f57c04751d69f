//===- npz.cpp - Reading NumPy archives -----------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/fovea_npz.h"

#include "runtime/npy.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>
#include <zlib.h>

using namespace fovea::runtime;

// A zip archive ends with a directory of its members, which says where each
// member's own header is. All numbers are little-endian. What does not fit in
// 32 bits is all ones there, and given in an extra field ("zip64").

namespace {
/// One array of the archive.
struct Member {
  std::string name; // without ".npy"
  uint64_t storedSize, size, headerAt;
  uint32_t checksum;
  uint16_t method;
};
enum Method : uint16_t { stored = 0, deflated = 8 };
} // namespace

struct fovea_npz {
  std::string path;
  MappedFile file;
  std::vector<Member> members;

  fovea_status readDirectory(fovea_error *error);
  fovea_status extract(const Member &member, NpyContents &contents,
                       fovea_error *error) const;

private:
  /// The number of `size` bytes at `offset`; bytes beyond the file are 0.
  uint64_t number(uint64_t offset, int size) const {
    uint64_t value = 0;
    for (int i = 0; i < size; ++i)
      if (offset + uint64_t(i) < file.size())
        value |= uint64_t(static_cast<unsigned char>(
                     file.data()[offset + uint64_t(i)]))
                 << (8 * i);
    return value;
  }
  bool has(uint64_t offset, uint64_t size) const {
    return offset <= file.size() && size <= file.size() - offset;
  }
  fovea_status malformed(const char *what, fovea_error *error) const {
    return fail(error, FOVEA_BAD_FILE, "'%s': %s", path.c_str(), what);
  }
  bool findDirectory(uint64_t &offset, uint64_t &size, uint64_t &count) const;
  void readExtraField(uint64_t at, uint64_t end, Member &member) const;
};

//===----------------------------------------------------------------------===//
// The directory
//===----------------------------------------------------------------------===//

bool fovea_npz::findDirectory(uint64_t &offset, uint64_t &size,
                              uint64_t &count) const {
  constexpr uint64_t endSize = 22, maxComment = 65535;
  constexpr uint32_t endMark = 0x06054b50, locatorMark = 0x07064b50,
                     end64Mark = 0x06064b50;
  if (file.size() < endSize)
    return false;
  uint64_t end = file.size() - endSize;
  uint64_t stop = end > maxComment ? end - maxComment : 0;
  while (number(end, 4) != endMark) {
    if (end == stop)
      return false;
    --end;
  }
  count = number(end + 10, 2);
  size = number(end + 12, 4);
  offset = number(end + 16, 4);
  bool isZip64 = end >= 20 && number(end - 20, 4) == locatorMark;
  if (isZip64) {
    uint64_t end64 = number(end - 12, 8);
    if (!has(end64, 56) || number(end64, 4) != end64Mark)
      return false;
    count = number(end64 + 32, 8);
    size = number(end64 + 40, 8);
    offset = number(end64 + 48, 8);
  }
  return has(offset, size);
}

/// Replaces sizes that are all ones by those of the zip64 field.
void fovea_npz::readExtraField(uint64_t at, uint64_t end,
                               Member &member) const {
  constexpr uint64_t zip64 = 1, inField = 0xffffffff;
  while (at + 4 <= end) {
    uint64_t id = number(at, 2), size = number(at + 2, 2);
    at += 4;
    if (id == zip64)
      for (uint64_t *value :
           {&member.size, &member.storedSize, &member.headerAt})
        if (*value == inField && size >= 8) {
          *value = number(at, 8);
          at += 8;
          size -= 8;
        }
    at += size;
  }
}

fovea_status fovea_npz::readDirectory(fovea_error *error) {
  constexpr uint32_t memberMark = 0x02014b50;
  constexpr uint64_t fixedSize = 46;
  uint64_t at, size, count;
  if (!findDirectory(at, size, count))
    return malformed("expected an npz file", error);
  uint64_t end = at + size;
  std::unordered_set<std::string> names;
  for (uint64_t i = 0; i < count; ++i) {
    if (end - at < fixedSize || number(at, 4) != memberMark)
      return malformed("its directory is malformed", error);
    uint64_t nameSize = number(at + 28, 2), extraSize = number(at + 30, 2);
    uint64_t next = at + fixedSize + nameSize + extraSize + number(at + 32, 2);
    if (next > end)
      return malformed("its directory is malformed", error);
    std::string name(file.data() + at + fixedSize, nameSize);
    Member member{std::move(name),
                  number(at + 20, 4),
                  number(at + 24, 4),
                  number(at + 42, 4),
                  uint32_t(number(at + 16, 4)),
                  uint16_t(number(at + 10, 2))};
    bool isEncrypted = number(at + 8, 2) & 1;
    readExtraField(at + fixedSize + nameSize, next, member);
    at = next;

    std::string_view extension = ".npy";
    if (!std::string_view(member.name).ends_with(extension))
      continue; // not an array
    member.name.resize(member.name.size() - extension.size());
    if (isEncrypted)
      return malformed("its members are encrypted", error);
    if (!names.insert(member.name).second)
      return fail(error, FOVEA_BAD_FILE, "'%s': array '%s' appears twice",
                  path.c_str(), member.name.c_str());
    members.push_back(std::move(member));
  }
  return FOVEA_OK;
}

//===----------------------------------------------------------------------===//
// Members
//===----------------------------------------------------------------------===//

/// Inflates exactly `targetSize` bytes.
static bool inflateAll(const char *source, uint64_t sourceSize, char *target,
                       uint64_t targetSize) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
    return false;
  constexpr uint64_t step = 1u << 30; // zlib counts in 32 bits
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(source));
  stream.next_out = reinterpret_cast<Bytef *>(target);
  int result = Z_OK;
  while (result == Z_OK) {
    uInt in = uInt(std::min(sourceSize, step));
    uInt out = uInt(std::min(targetSize, step));
    stream.avail_in = in;
    stream.avail_out = out;
    result = inflate(&stream, Z_NO_FLUSH);
    sourceSize -= in - stream.avail_in;
    targetSize -= out - stream.avail_out;
  }
  inflateEnd(&stream);
  return result == Z_STREAM_END && targetSize == 0;
}

static uint32_t checksumOf(const char *data, uint64_t size) {
  return uint32_t(
      crc32_z(0, reinterpret_cast<const Bytef *>(data), size_t(size)));
}

fovea_status fovea_npz::extract(const Member &member, NpyContents &contents,
                                fovea_error *error) const {
  constexpr uint32_t localMark = 0x04034b50;
  constexpr uint64_t fixedSize = 30;
  auto bad = [&](const char *what) {
    return fail(error, FOVEA_BAD_FILE, "'%s', array '%s': %s", path.c_str(),
                member.name.c_str(), what);
  };
  if (!has(member.headerAt, fixedSize) ||
      number(member.headerAt, 4) != localMark)
    return bad("its header is malformed");
  uint64_t at = member.headerAt + fixedSize + number(member.headerAt + 26, 2) +
                number(member.headerAt + 28, 2);
  if (!has(at, member.storedSize))
    return bad("its data is cut off");
  if (member.method != stored && member.method != deflated)
    return bad("expected it stored or deflated");
  // Deflate makes at most 1032 bytes of one: a larger size is a lie, and must
  // not be allocated.
  bool isPossible = member.method == stored
                        ? member.size == member.storedSize
                        : member.size / 1032 <= member.storedSize;
  if (!isPossible)
    return bad("its sizes are inconsistent");
  if (!contents.buffer.reserve(int64_t(std::max<uint64_t>(member.size, 1))))
    return fail(error, FOVEA_OUT_OF_MEMORY,
                "'%s', array '%s': cannot allocate %llu bytes", path.c_str(),
                member.name.c_str(),
                static_cast<unsigned long long>(member.size));
  contents.data = contents.buffer.data();
  contents.size = size_t(member.size);
  const char *source = file.data() + at;
  if (member.method == stored)
    std::memcpy(contents.data, source, contents.size);
  else if (!inflateAll(source, member.storedSize, contents.data, member.size))
    return bad("its compressed data is malformed");
  if (checksumOf(contents.data, member.size) != member.checksum)
    return bad("its checksum does not fit");
  return FOVEA_OK;
}

//===----------------------------------------------------------------------===//
// C API
//===----------------------------------------------------------------------===//

fovea_status fovea_npz_open(const char *path, fovea_npz **npz,
                            fovea_error *error) {
  if (!npz)
    return fail(error, FOVEA_INVALID_ARGUMENT,
                "expected a place for the archive, found null");
  *npz = nullptr;
  if (!path)
    return fail(error, FOVEA_INVALID_ARGUMENT, "expected a path, found null");
  return guarded(error, [&] {
    auto opened = std::make_unique<fovea_npz>();
    opened->path = path;
    if (fovea_status status =
            opened->file.open(path, /*isWritable=*/false, error))
      return status;
    if (fovea_status status = opened->readDirectory(error))
      return status;
    *npz = opened.release();
    return succeed(error);
  });
}

int64_t fovea_npz_count(const fovea_npz *npz) {
  return npz ? int64_t(npz->members.size()) : 0;
}

const char *fovea_npz_name(const fovea_npz *npz, int64_t index) {
  bool exists = index >= 0 && index < fovea_npz_count(npz);
  return exists ? npz->members[size_t(index)].name.c_str() : nullptr;
}

fovea_status fovea_npz_load(const fovea_npz *npz, const char *name,
                            DLManagedTensor **tensor, fovea_error *error) {
  if (!tensor)
    return fail(error, FOVEA_INVALID_ARGUMENT,
                "expected a place for the tensor, found null");
  *tensor = nullptr;
  if (!npz || !name)
    return fail(error, FOVEA_INVALID_ARGUMENT,
                "expected an archive and a name, found null");
  return guarded(error, [&] {
    for (const Member &member : npz->members) {
      if (member.name != name)
        continue;
      NpyContents contents;
      if (fovea_status status = npz->extract(member, contents, error))
        return status;
      Text<300> where;
      where.append("'%s', array '%s'", npz->path.c_str(), name);
      return makeNpyTensor(where.c_str(), std::move(contents), tensor, error);
    }
    return fail(error, FOVEA_INVALID_ARGUMENT, "'%s': no array is named '%s'",
                npz->path.c_str(), name);
  });
}

void fovea_npz_close(fovea_npz *npz) { delete npz; }
