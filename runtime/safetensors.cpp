//===- safetensors.cpp - Reading safetensors files ------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "runtime/safetensors.h"

#include "runtime/json.h"

#include <algorithm>
#include <cstring>
#include <utility>

using namespace fovea::runtime;

// The format: the size of the header (8 bytes, little-endian), the header, a
// JSON object {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets":
// [BEGIN, END]}, ..., "__metadata__": {"KEY": "VALUE", ...}}, and the data,
// which the tensors fill without gaps.

/// The limit of the format's reference implementation.
static constexpr uint64_t maxHeaderSize = 100'000'000;

static fovea_dtype typeNamed(std::string_view text) {
  struct Row {
    std::string_view text;
    fovea_dtype type;
  };
  static constexpr Row rows[] = {
      {"F32", FOVEA_F32},       {"F16", FOVEA_F16},
      {"BF16", FOVEA_BF16},     {"F64", FOVEA_F64},
      {"I8", FOVEA_I8},         {"I16", FOVEA_I16},
      {"I32", FOVEA_I32},       {"I64", FOVEA_I64},
      {"U8", FOVEA_U8},         {"U16", FOVEA_U16},
      {"U32", FOVEA_U32},       {"U64", FOVEA_U64},
      {"BOOL", FOVEA_BOOL},     {"F8_E4M3", FOVEA_F8E4M3},
      {"F8_E5M2", FOVEA_F8E5M2}};
  for (const Row &row : rows)
    if (row.text == text)
      return row.type;
  return noType;
}

//===----------------------------------------------------------------------===//
// The header
//===----------------------------------------------------------------------===//

/// The list after "shape" or "data_offsets".
static bool readIntegers(JsonReader &json, std::vector<int64_t> &values) {
  values.clear();
  if (!json.expect('['))
    return false;
  if (json.take(']'))
    return true;
  do {
    int64_t value;
    if (!json.integer(value))
      return false;
    values.push_back(value);
  } while (json.take(','));
  return json.expect(']');
}

static bool readMetadata(JsonReader &json) {
  if (!json.expect('{'))
    return false;
  if (json.take('}'))
    return true;
  std::string key, value;
  do {
    if (!json.string(key) || !json.expect(':') || !json.string(value))
      return false;
  } while (json.take(','));
  return json.expect('}');
}

/// Whether `begin` and `end` fit the tensor's shape and type.
static bool checkSize(JsonReader &json, const FileTensor &tensor) {
  if (tensor.end < tensor.begin)
    return json.mistake("tensor '" + tensor.name + "' ends before it begins");
  if (tensor.dtype == noType)
    return true;
  // The product must fit even without the sizes that are 0, so that all may
  // multiply any of them.
  int64_t bytes = byteSize(tensor.dtype);
  bool isEmpty = false;
  for (int64_t size : tensor.shape) {
    isEmpty |= size == 0;
    if (__builtin_mul_overflow(bytes, std::max<int64_t>(size, 1), &bytes))
      return json.mistake("tensor '" + tensor.name +
                          "' has more than 2^63 - 1 bytes");
  }
  if (isEmpty)
    bytes = 0;
  if (uint64_t(bytes) != tensor.end - tensor.begin)
    return json.mistake("tensor '" + tensor.name + "': expected " +
                        std::to_string(bytes) +
                        " bytes for its shape and dtype, found " +
                        std::to_string(tensor.end - tensor.begin));
  return true;
}

static bool readTensor(JsonReader &json, FileTensor &tensor) {
  bool hasType = false, hasShape = false, hasOffsets = false;
  std::string key;
  std::vector<int64_t> offsets;
  if (!json.expect('{'))
    return false;
  do {
    if (!json.string(key) || !json.expect(':'))
      return false;
    bool *seen = key == "dtype"          ? &hasType
                 : key == "shape"        ? &hasShape
                 : key == "data_offsets" ? &hasOffsets
                                         : nullptr;
    if (!seen)
      return json.mistake("unknown key '" + key + "'");
    if (*seen)
      return json.mistake("key '" + key + "' appears twice");
    *seen = true;
    bool isRead = key == "dtype"   ? json.string(tensor.typeText)
                  : key == "shape" ? readIntegers(json, tensor.shape)
                                   : readIntegers(json, offsets);
    if (!isRead)
      return false;
  } while (json.take(','));
  if (!json.expect('}'))
    return false;
  if (!hasType || !hasShape || !hasOffsets)
    return json.mistake("tensor '" + tensor.name +
                        "' lacks its dtype, shape or data_offsets");
  if (offsets.size() != 2)
    return json.mistake("tensor '" + tensor.name +
                        "': expected two data_offsets");
  tensor.dtype = typeNamed(tensor.typeText);
  tensor.begin = uint64_t(offsets[0]);
  tensor.end = uint64_t(offsets[1]);
  return checkSize(json, tensor);
}

static bool readHeader(JsonReader &json, std::vector<FileTensor> &tensors) {
  if (!json.expect('{'))
    return false;
  if (!json.take('}')) {
    bool hasMetadata = false;
    do {
      FileTensor tensor;
      if (!json.string(tensor.name) || !json.expect(':'))
        return false;
      if (tensor.name == "__metadata__") {
        if (std::exchange(hasMetadata, true))
          return json.mistake("__metadata__ appears twice");
        if (!readMetadata(json))
          return false;
        continue;
      }
      if (!readTensor(json, tensor))
        return false;
      tensors.push_back(std::move(tensor));
    } while (json.take(','));
    if (!json.expect('}'))
      return false;
  }
  return json.atEnd() || json.mistake("expected the end of the header");
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

/// Fails unless the tensors fill [0, size) without gaps and overlaps.
static fovea_status checkPlaces(const char *where,
                                const std::vector<FileTensor> &tensors,
                                uint64_t size, fovea_error *error) {
  std::vector<const FileTensor *> sorted;
  for (const FileTensor &tensor : tensors)
    sorted.push_back(&tensor);
  std::sort(sorted.begin(), sorted.end(),
            [](const FileTensor *a, const FileTensor *b) {
              return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
            });
  uint64_t filled = 0;
  for (const FileTensor *tensor : sorted) {
    if (tensor->end > size)
      return fail(error, FOVEA_BAD_FILE,
                  "%s: tensor '%s' ends at byte %llu of the data, which has "
                  "%llu",
                  where, tensor->name.c_str(),
                  static_cast<unsigned long long>(tensor->end),
                  static_cast<unsigned long long>(size));
    if (tensor->begin != filled)
      return fail(
          error, FOVEA_BAD_FILE,
          "%s: tensor '%s': expected to begin at byte %llu of the data, "
          "found %llu",
          where, tensor->name.c_str(), static_cast<unsigned long long>(filled),
          static_cast<unsigned long long>(tensor->begin));
    filled = tensor->end;
  }
  if (filled != size)
    return fail(error, FOVEA_BAD_FILE,
                "%s: the tensors take %llu bytes, but the data has %llu", where,
                static_cast<unsigned long long>(filled),
                static_cast<unsigned long long>(size));
  return FOVEA_OK;
}

fovea_status Weights::read(const char *where, const char *data, size_t size,
                           fovea_error *error) {
  uint64_t headerSize = 0;
  if (size < 8)
    return fail(error, FOVEA_BAD_FILE,
                "%s: expected a safetensors file of at least 8 bytes, found "
                "%zu",
                where, size);
  for (int i = 0; i < 8; ++i)
    headerSize |= uint64_t(static_cast<unsigned char>(data[i])) << (8 * i);
  if (headerSize > size - 8)
    return fail(error, FOVEA_BAD_FILE,
                "%s: the header has %llu bytes, but the file only %zu", where,
                static_cast<unsigned long long>(headerSize), size);
  if (headerSize > maxHeaderSize)
    return fail(error, FOVEA_BAD_FILE,
                "%s: expected a header of at most %llu bytes, found %llu",
                where, static_cast<unsigned long long>(maxHeaderSize),
                static_cast<unsigned long long>(headerSize));

  JsonReader json(data + 8, size_t(headerSize));
  if (!readHeader(json, all))
    return fail(error, FOVEA_BAD_FILE, "%s: header, byte %zu: %s", where,
                json.offset(), json.message().c_str());
  const char *start = data + 8 + headerSize;
  if (fovea_status status =
          checkPlaces(where, all, size - 8 - headerSize, error))
    return status;
  for (size_t i = 0; i < all.size(); ++i) {
    all[i].data = start + all[i].begin;
    if (!positions.emplace(all[i].name, i).second)
      return fail(error, FOVEA_BAD_FILE, "%s: tensor '%s' appears twice", where,
                  all[i].name.c_str());
  }
  return FOVEA_OK;
}

fovea_status Weights::openFile(const char *path, fovea_error *error) {
  if (fovea_status status = file.open(path, /*isWritable=*/false, error))
    return status;
  Text<300> where;
  where.append("'%s'", path);
  return read(where.c_str(), file.data(), file.size(), error);
}

fovea_status Weights::openMemory(const char *data, size_t size,
                                 fovea_error *error) {
  return read("weights in memory", data, size, error);
}

const FileTensor *Weights::find(std::string_view name) const {
  auto found = positions.find(name);
  return found == positions.end() ? nullptr : &all[found->second];
}
