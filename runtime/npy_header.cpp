//===- npy_header.cpp - The header of npy files ---------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/npy_header.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <string_view>

using namespace fovea::runtime;

// The format: "\x93NUMPY", the version (two bytes), the size of the header (two
// bytes in version 1, four later, little-endian), the header, a Python
// dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }, and
// the data.

namespace {
struct TypeRow {
  std::string_view text; // kind and size, after the byte order
  fovea_dtype type;
};

/// Reads a Python dictionary; after a mistake every function returns false.
class DictReader {
public:
  DictReader(const char *text, size_t size)
      : begin(text), cursor(text), end(text + size) {}

  bool take(char symbol) {
    skipSpace();
    if (cursor == end || *cursor != symbol)
      return false;
    ++cursor;
    return true;
  }

  bool string(std::string &value) {
    char quote = take('\'') ? '\'' : take('"') ? '"' : '\0';
    const char *close = quote ? std::find(cursor, end, quote) : end;
    if (close == end)
      return false;
    value.assign(cursor, close);
    cursor = close + 1;
    return true;
  }

  bool boolean(bool &value) {
    if (take('T'))
      return value = true, word("rue");
    return value = false, take('F') && word("alse");
  }

  /// (), (3,), (2, 3) or (2, 3,).
  bool shape(std::vector<int64_t> &sizes) {
    sizes.clear();
    if (!take('('))
      return false;
    while (!take(')')) {
      int64_t size;
      if (!integer(size))
        return false;
      sizes.push_back(size);
      if (!take(','))
        return sizes.size() > 1 && take(')');
    }
    return true;
  }

  bool atEnd() {
    skipSpace();
    return cursor == end;
  }
  size_t offset() const { return size_t(cursor - begin); }

private:
  void skipSpace() {
    while (cursor != end && (*cursor == ' ' || *cursor == '\n'))
      ++cursor;
  }

  bool word(std::string_view rest) {
    if (size_t(end - cursor) < rest.size() ||
        std::string_view(cursor, rest.size()) != rest)
      return false;
    cursor += rest.size();
    return true;
  }

  bool integer(int64_t &value) {
    skipSpace();
    if (cursor == end || *cursor < '0' || *cursor > '9')
      return false;
    auto [after, status] = std::from_chars(cursor, end, value);
    if (status != std::errc())
      return false;
    cursor = after;
    if (cursor != end && *cursor == 'L') // as Python 2 wrote it
      ++cursor;
    return true;
  }

  const char *begin, *cursor, *end;
};
} // namespace

static constexpr TypeRow types[] = {
    {"f4", FOVEA_F32},
    {"f2", FOVEA_F16},
    {"f8", FOVEA_F64},
    {"i1", FOVEA_I8},
    {"i2", FOVEA_I16},
    {"i4", FOVEA_I32},
    {"i8", FOVEA_I64},
    {"u1", FOVEA_U8},
    {"u2", FOVEA_U16},
    {"u4", FOVEA_U32},
    {"u8", FOVEA_U64},
    {"b1", FOVEA_BOOL},
    // NumPy has no bfloat16 and no reals of 8 bits; packages that add them
    // write their bytes so.
    {"V2", FOVEA_BF16},
    {"V1", FOVEA_F8E4M3}};

/// "<f4": the byte order, then the type.
static bool readType(const std::string &descr, NpyHeader &header) {
  if (descr.size() < 2 || !std::strchr("<>|=", descr[0]))
    return false;
  for (const TypeRow &row : types)
    if (row.text == std::string_view(descr).substr(1))
      header.dtype = row.type;
  bool isLittle = std::endian::native == std::endian::little;
  header.isSwapped =
      byteSize(header.dtype) > 1 && descr[0] == (isLittle ? '>' : '<');
  return header.dtype != noType;
}

static fovea_status readDict(const char *where, const char *text, size_t size,
                             NpyHeader &header, fovea_error *error) {
  DictReader dict(text, size);
  auto malformed = [&](const char *what) {
    return fail(error, FOVEA_BAD_FILE, "%s: npy header, byte %zu: %s", where,
                dict.offset(), what);
  };
  bool hasType = false, hasOrder = false, hasShape = false;
  if (!dict.take('{'))
    return malformed("expected '{'");
  std::string key, descr;
  while (!dict.take('}')) {
    if (!dict.string(key) || !dict.take(':'))
      return malformed("expected a key, or '}'");
    bool *seen = key == "descr"           ? &hasType
                 : key == "fortran_order" ? &hasOrder
                 : key == "shape"         ? &hasShape
                                          : nullptr;
    if (!seen || *seen)
      return malformed("expected one each of 'descr', 'fortran_order' and "
                       "'shape'");
    *seen = true;
    if (seen == &hasType) {
      if (!dict.string(descr))
        return malformed("expected a plain dtype, found a structured one");
    } else if (seen == &hasOrder) {
      if (!dict.boolean(header.isFortranOrder))
        return malformed("expected True or False");
    } else if (!dict.shape(header.shape)) {
      return malformed("expected a tuple of sizes");
    }
    if (!dict.take(',')) {
      if (dict.take('}'))
        break;
      return malformed("expected ',' or '}'");
    }
  }
  if (!dict.atEnd())
    return malformed("expected the end of the header");
  if (!hasType || !hasOrder || !hasShape)
    return malformed("expected one each of 'descr', 'fortran_order' and "
                     "'shape'");
  if (!readType(descr, header))
    return fail(error, FOVEA_BAD_FILE,
                "%s: the npy dtype '%s' is not supported", where,
                descr.c_str());
  return FOVEA_OK;
}

fovea_status fovea::runtime::readNpyHeader(const char *where, const char *data,
                                           size_t size, NpyHeader &header,
                                           fovea_error *error) {
  constexpr std::string_view magic = "\x93NUMPY";
  if (size < 10 || std::string_view(data, magic.size()) != magic)
    return fail(error, FOVEA_BAD_FILE, "%s: expected an npy file", where);
  int major = static_cast<unsigned char>(data[6]);
  if (major < 1 || major > 3)
    return fail(error, FOVEA_BAD_FILE,
                "%s: expected an npy file of version 1 to 3, found %d", where,
                major);
  size_t prefix = major == 1 ? 10 : 12, headerSize = 0;
  for (size_t i = 8; i < prefix && i < size; ++i)
    headerSize |= size_t(static_cast<unsigned char>(data[i])) << (8 * (i - 8));
  if (size < prefix || headerSize > size - prefix)
    return fail(error, FOVEA_BAD_FILE,
                "%s: the npy header has %zu bytes, but the file only %zu",
                where, headerSize, size);
  if (fovea_status status =
          readDict(where, data + prefix, headerSize, header, error))
    return status;

  constexpr size_t maxRank = 64; // as in NumPy
  if (header.shape.size() > maxRank)
    return fail(error, FOVEA_BAD_FILE,
                "%s: expected an npy array of at most %zu dimensions, found "
                "%zu",
                where, maxRank, header.shape.size());
  header.dataAt = prefix + headerSize;
  header.bytes = byteSize(header.dtype);
  bool isEmpty = false;
  for (int64_t extent : header.shape) {
    isEmpty |= extent == 0;
    if (__builtin_mul_overflow(header.bytes, std::max<int64_t>(extent, 1),
                               &header.bytes))
      return fail(error, FOVEA_BAD_FILE,
                  "%s: the npy array exceeds 2^63 - 1 bytes", where);
  }
  if (isEmpty)
    header.bytes = 0;
  header.count = header.bytes / byteSize(header.dtype);
  if (uint64_t(header.bytes) > size - header.dataAt)
    return fail(error, FOVEA_BAD_FILE,
                "%s: expected %lld bytes of npy data, found %zu", where,
                static_cast<long long>(header.bytes), size - header.dataAt);
  return FOVEA_OK;
}

std::string fovea::runtime::writeNpyHeader(fovea_dtype dtype,
                                           const int64_t *shape, int32_t rank) {
  std::string_view type;
  for (const TypeRow &row : types)
    if (row.type == dtype)
      type = row.text;
  if (type.empty())
    return "";
  bool isLittle = std::endian::native == std::endian::little;
  std::string dict = "{'descr': '";
  dict += byteSize(dtype) == 1 ? '|' : isLittle ? '<' : '>';
  dict += type;
  dict += "', 'fortran_order': False, 'shape': (";
  for (int32_t d = 0; d < rank; ++d)
    dict += std::to_string(shape[d]) + (d + 1 < rank ? ", " : "");
  dict += rank == 1 ? ",), }" : "), }";
  constexpr size_t prefix = 10;
  dict.resize((prefix + dict.size() + 1 + 63) / 64 * 64 - prefix - 1, ' ');
  dict += '\n';
  std::string text("\x93NUMPY\x01\x00", 8);
  text += char(dict.size() & 0xff);
  text += char(dict.size() >> 8);
  return text + dict;
}
