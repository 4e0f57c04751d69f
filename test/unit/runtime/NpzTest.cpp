//===- NpzTest.cpp --------------------------------------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestFiles.h"
#include "TestTensors.h"

#include "runtime/fovea_npz.h"
#include "runtime/npy_header.h"

#include <gtest/gtest.h>

#include <zlib.h>

using namespace fovea::test;

namespace {
struct ZipMember {
  std::string name, contents;
  bool isDeflated;
};
} // namespace

static std::string little(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i)
    text += char(value >> (8 * i));
  return text;
}

static std::string deflated(const std::string &text) {
  z_stream stream{};
  EXPECT_EQ(
      deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY),
      Z_OK);
  std::string result(deflateBound(&stream, uLong(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(text.data()));
  stream.avail_in = uInt(text.size());
  stream.next_out = reinterpret_cast<Bytef *>(result.data());
  stream.avail_out = uInt(result.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  result.resize(stream.total_out);
  deflateEnd(&stream);
  return result;
}

/// A zip archive; with `isZip64` the directory gives its sizes as NumPy does
/// for large arrays.
static std::string zip(const std::vector<ZipMember> &members,
                       bool isZip64 = false) {
  std::string file, directory;
  for (const ZipMember &m : members) {
    std::string data = m.isDeflated ? deflated(m.contents) : m.contents;
    std::string shared =
        little(m.isDeflated ? 8 : 0, 2) + little(0, 4) +
        little(crc32_z(0, reinterpret_cast<const Bytef *>(m.contents.data()),
                       m.contents.size()),
               4);
    uint64_t at = file.size();
    std::string sizes = little(data.size(), 4) + little(m.contents.size(), 4);
    file += "PK\x03\x04" + little(20, 2) + little(0, 2) + shared + sizes +
            little(m.name.size(), 2) + little(3, 2) + m.name + "ext" + data;
    std::string extra;
    if (isZip64) {
      sizes = std::string(8, '\xff');
      extra = little(1, 2) + little(16, 2) + little(m.contents.size(), 8) +
              little(data.size(), 8);
    }
    directory += "PK\x01\x02" + little(20, 2) + little(20, 2) + little(0, 2) +
                 shared + sizes + little(m.name.size(), 2) +
                 little(extra.size(), 2) + little(0, 2) + little(0, 2) +
                 little(0, 2) + little(0, 4) + little(at, 4) + m.name + extra;
  }
  uint64_t at = file.size(), count = members.size();
  file += directory;
  if (isZip64) {
    uint64_t end64 = file.size();
    file += "PK\x06\x06" + little(44, 8) + little(45, 2) + little(45, 2) +
            little(0, 4) + little(0, 4) + little(count, 8) + little(count, 8) +
            little(directory.size(), 8) + little(at, 8);
    file += "PK\x06\x07" + little(0, 4) + little(end64, 8) + little(1, 4);
    at = 0xffffffff;
  }
  return file + "PK\x05\x06" + little(0, 4) + little(count, 2) +
         little(count, 2) + little(directory.size(), 4) + little(at, 4) +
         little(0, 2);
}

static std::string npyOf(const std::vector<float> &values) {
  int64_t size = int64_t(values.size());
  return fovea::runtime::writeNpyHeader(FOVEA_F32, &size, 1) + bytesOf(values);
}

class NpzTest : public testing::Test {
protected:
  ~NpzTest() override { fovea_npz_close(npz); }
  fovea_status open(const std::string &bytes) {
    fovea_npz_close(npz);
    path = directory.write("x.npz", bytes);
    return fovea_npz_open(path.c_str(), &npz, &error);
  }
  /// "" when the array could be loaded.
  std::string load(const char *name, std::vector<float> *values = nullptr) {
    DLManagedTensor *tensor;
    if (fovea_npz_load(npz, name, &tensor, &error))
      return error.message;
    if (values) {
      auto *data = static_cast<const float *>(tensor->dl_tensor.data);
      values->assign(data, data + tensor->dl_tensor.shape[0]);
    }
    tensor->deleter(tensor);
    return "";
  }
  std::string where(const char *name) {
    return "'" + path + "', array '" + name + "': ";
  }

  TemporaryDirectory directory;
  std::string path;
  fovea_npz *npz = nullptr;
  fovea_error error{};
};

TEST_F(NpzTest, Reads) {
  std::vector<float> ramp(1000), values;
  for (size_t i = 0; i < ramp.size(); ++i)
    ramp[i] = float(i / 10);
  for (bool isZip64 : {false, true}) {
    ASSERT_EQ(open(zip({{"a.npy", npyOf({1, 2, 3}), false},
                        {"readme.txt", "not an array", false},
                        {"b.npy", npyOf(ramp), true}},
                       isZip64)),
              FOVEA_OK)
        << error.message;
    EXPECT_EQ(fovea_npz_count(npz), 2);
    EXPECT_STREQ(fovea_npz_name(npz, 0), "a");
    EXPECT_STREQ(fovea_npz_name(npz, 1), "b");
    EXPECT_EQ(fovea_npz_name(npz, 2), nullptr);
    EXPECT_EQ(load("a", &values), "");
    EXPECT_EQ(values, (std::vector<float>{1, 2, 3}));
    EXPECT_EQ(load("b", &values), "");
    EXPECT_EQ(values, ramp);
  }
}

TEST_F(NpzTest, MissingArrays) {
  ASSERT_EQ(open(zip({})), FOVEA_OK);
  EXPECT_EQ(fovea_npz_count(npz), 0);
  EXPECT_EQ(load("a"), "'" + path + "': no array is named 'a'");
}

TEST_F(NpzTest, EveryTruncationIsAnError) {
  std::string file = zip({{"a.npy", npyOf({1}), true}});
  for (size_t size = 0; size < file.size(); ++size)
    ASSERT_EQ(open(file.substr(0, size)), FOVEA_BAD_FILE) << size;
  EXPECT_EQ(error.message, "'" + path + "': expected an npz file");
}

TEST_F(NpzTest, EveryChangedByteIsReadOrRefused) {
  std::string file = zip({{"a.npy", npyOf({1, 2}), true}}, /*isZip64=*/true);
  for (size_t i = 0; i < file.size(); ++i)
    for (int bits : {0x01, 0xff}) {
      std::string changed = file;
      changed[i] = char(changed[i] ^ bits);
      if (open(changed) == FOVEA_OK)
        for (int64_t m = 0; m < fovea_npz_count(npz); ++m)
          load(fovea_npz_name(npz, m));
    }
}

TEST_F(NpzTest, BadDirectories) {
  std::string file = zip({{"a.npy", npyOf({1}), false}});
  size_t directoryAt = file.find("PK\x01\x02");
  auto changed = [&](size_t at, char value) {
    std::string copy = file;
    copy[at] = value;
    return copy;
  };
  EXPECT_EQ(open(changed(directoryAt, 'Q')), FOVEA_BAD_FILE);
  EXPECT_EQ(error.message, "'" + path + "': its directory is malformed");
  EXPECT_EQ(open(changed(directoryAt + 29, 1)), FOVEA_BAD_FILE); // a long name
  EXPECT_EQ(error.message, "'" + path + "': its directory is malformed");
  EXPECT_EQ(open(changed(directoryAt + 8, 1)), FOVEA_BAD_FILE);
  EXPECT_EQ(error.message, "'" + path + "': its members are encrypted");
  EXPECT_EQ(open(zip({{"a.npy", "", false}, {"a.npy", "", false}})),
            FOVEA_BAD_FILE);
  EXPECT_EQ(error.message, "'" + path + "': array 'a' appears twice");
}

TEST_F(NpzTest, BadMembers) {
  std::string file = zip({{"a.npy", npyOf({1}), true}});
  size_t directoryAt = file.find("PK\x01\x02");
  auto loadChanged = [&](size_t at, char value) {
    std::string copy = file;
    copy[at] = value;
    EXPECT_EQ(open(copy), FOVEA_OK);
    return load("a");
  };
  EXPECT_EQ(loadChanged(0, 'Q'), where("a") + "its header is malformed");
  EXPECT_EQ(loadChanged(directoryAt + 23, 1), // stored size
            where("a") + "its data is cut off");
  EXPECT_EQ(loadChanged(directoryAt + 10, 9), // method
            where("a") + "expected it stored or deflated");
  EXPECT_EQ(loadChanged(directoryAt + 27, 0x7f), // size
            where("a") + "its sizes are inconsistent");
  EXPECT_EQ(loadChanged(directoryAt + 16, '!'), // checksum
            where("a") + "its checksum does not fit");
  EXPECT_EQ(loadChanged(38, '\xff'), // the first block of the data
            where("a") + "its compressed data is malformed");
  ASSERT_EQ(open(zip({{"a.npy", "not npy", false}})), FOVEA_OK);
  EXPECT_EQ(load("a"), where("a") + "expected an npy file");
}

TEST_F(NpzTest, Arguments) {
  fovea_npz *none;
  EXPECT_EQ(fovea_npz_open(nullptr, &none, &error), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "expected a path, found null");
  EXPECT_EQ(fovea_npz_open("x", nullptr, &error), FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "expected a place for the archive, found null");
  EXPECT_EQ(fovea_npz_count(nullptr), 0);
  EXPECT_EQ(load("a"), "expected an archive and a name, found null");
  EXPECT_EQ(fovea_npz_load(nullptr, "a", nullptr, &error),
            FOVEA_INVALID_ARGUMENT);
  EXPECT_STREQ(error.message, "expected a place for the tensor, found null");
}
