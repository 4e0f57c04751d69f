//===- RandomMasksTest.cpp - Segments of random masks, by brute force -----===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskModel.h"
#include "llvm/ADT/STLExtras.h"
#include <gtest/gtest.h>
#include <random>

using namespace fovea::attn;
using namespace fovea::attn::test;

namespace {

/// Writes a random tree of and/or/not/select over comparisons of linear
/// expressions, divisions, remainders and extrema.
class MaskWriter {
public:
  MaskWriter(unsigned seed, bool withUnknown)
      : generator(seed), withUnknown(withUnknown) {}

  std::string write() {
    std::string root = condition(1 + pick(3));
    return text + "  %keep = arith.ori " + root + ", " + root + " : i1";
  }

private:
  unsigned pick(unsigned count) { return generator() % count; }

  std::string define(const std::string &op, const std::string &type) {
    std::string name = "%v" + std::to_string(numValues++);
    text += "  " + name + " = arith." + op + " : " + type + "\n";
    return name;
  }
  std::string constant(int64_t value) {
    return define("constant " + std::to_string(value), "index");
  }
  std::string binary(const char *op, const std::string &a, const std::string &b,
                     const char *type = "index") {
    return define(std::string(op) + " " + a + ", " + b, type);
  }

  std::string index(unsigned depth) {
    static const char *const names[] = {"%i", "%j", "%i", "%j", "%a", "%b"};
    if (depth == 0 || pick(3) == 0) {
      if (withUnknown && pick(6) == 0)
        return "%u";
      return pick(5) == 0 ? constant(int64_t(pick(20)) - 6) : names[pick(6)];
    }
    static const char *const divisions[] = {"floordivsi", "remsi", "divsi",
                                            "ceildivsi"};
    std::string a = index(depth - 1);
    switch (pick(10)) {
    case 0:
    case 1:
    case 2:
      return binary("addi", a, index(depth - 1));
    case 3:
    case 4:
    case 5:
      return binary("subi", a, index(depth - 1));
    case 6:
      return binary("muli", a, constant(int64_t(pick(6)) - 2));
    case 7:
      return binary(pick(2) ? "minsi" : "maxsi", a, index(depth - 1));
    default:
      return binary(divisions[pick(4)], a, constant(2 + pick(6)));
    }
  }

  std::string condition(unsigned depth) {
    static const char *const comparisons[] = {
        "eq", "ne", "slt", "sle", "sgt", "sge", "ult", "uge", "sle", "sge"};
    if (depth == 0) {
      std::string a = index(2);
      return binary(
          (std::string("cmpi ") + comparisons[pick(10)] + ",").c_str(), a,
          index(2));
    }
    std::string a = condition(depth - 1);
    switch (pick(8)) {
    case 0:
      return binary("xori", a, "%true", "i1");
    case 1:
      return define("select " + a + ", " + condition(depth - 1) + ", " +
                        condition(depth - 1),
                    "i1");
    case 2:
    case 3:
    case 4:
      return binary("ori", a, condition(depth - 1), "i1");
    default:
      return binary("andi", a, condition(depth - 1), "i1");
    }
  }

  std::mt19937 generator;
  bool withUnknown;
  std::string text;
  unsigned numValues = 0;
};

/// How much of what is true the segments found.
struct Tightness {
  int64_t kept = 0, visited = 0; ///< keys of tiles
  int64_t trueFull = 0, foundFull = 0;
  int64_t masks = 0, exactMasks = 0;
  std::vector<double> milliseconds; ///< of each mask
};

/// Compares the classes of all keys in all tiles of a few sizes.
void check(const MaskModel &mask, unsigned seed, Tightness &tightness) {
  std::mt19937 generator(seed);
  bool exact = true;
  for (unsigned call = 0; call != 3; ++call) {
    auto pick = [&](unsigned count) { return int64_t(generator() % count); };
    MaskSizes sizes{1 + pick(18), pick(22), {pick(24) - 3, pick(24) - 3}};
    std::vector<bool> kept = mask.getKept(sizes);
    for (int64_t tile : {int64_t(1), int64_t(3), 1 + pick(18)})
      for (int64_t begin = 0; begin < sizes.numQueries; begin += tile) {
        int64_t end = std::min(begin + tile, sizes.numQueries);
        std::vector<KeyClass> classes = mask.getClasses(begin, end, sizes);
        std::vector<KeyClass> truth =
            MaskModel::getTruth(begin, end, sizes, kept);
        for (unsigned j = 0; j != classes.size(); ++j) {
          ASSERT_TRUE(classes[j] == KeyClass::Partial || classes[j] == truth[j])
              << "key " << j << " of queries " << begin << ".." << end
              << " is misjudged; queries " << sizes.numQueries << ", keys "
              << sizes.numKeys << ", a " << sizes.scalars[0] << ", b "
              << sizes.scalars[1];
          tightness.kept += truth[j] != KeyClass::None;
          tightness.visited += classes[j] != KeyClass::None;
          tightness.trueFull += truth[j] == KeyClass::Full;
          tightness.foundFull += classes[j] == KeyClass::Full;
          exact &= classes[j] == truth[j];
        }
      }
  }
  ++tightness.masks;
  tightness.exactMasks += exact;
  tightness.milliseconds.push_back(mask.getMilliseconds());
}

Tightness checkRandomMasks(unsigned count, unsigned firstSeed,
                           bool withUnknown) {
  Tightness tightness;
  for (unsigned seed = firstSeed; seed != firstSeed + count; ++seed) {
    std::string body = MaskWriter(seed, withUnknown).write();
    MaskModel mask(body);
    SCOPED_TRACE("seed " + std::to_string(seed) + "\n" + body + "\n" +
                 (mask.isValid() ? mask.printSegments() : "does not parse"));
    EXPECT_TRUE(mask.isValid());
    if (mask.isValid())
      check(mask, seed, tightness);
    if (testing::Test::HasFailure())
      break;
  }
  llvm::sort(tightness.milliseconds);
  std::cout << tightness.masks << " masks, " << tightness.exactMasks
            << " exact; keys kept / visited " << tightness.kept << " / "
            << tightness.visited << ", full found / true "
            << tightness.foundFull << " / " << tightness.trueFull << "; median "
            << tightness.milliseconds[tightness.milliseconds.size() / 2]
            << " ms, slowest " << tightness.milliseconds.back() << " ms\n";
  return tightness;
}

TEST(RandomMasks, Affine) {
  Tightness found = checkRandomMasks(1000, /*firstSeed=*/1, false);
  EXPECT_EQ(found.masks, 1000);
  // Measured 746 exact, 0.93 and 0.91: floors against a loss of precision.
  EXPECT_GE(found.exactMasks, 700);
  EXPECT_GE(found.kept, found.visited * 90 / 100);
  EXPECT_GE(found.foundFull, found.trueFull * 88 / 100);
}

TEST(RandomMasks, WithUnknownOperands) {
  Tightness found = checkRandomMasks(300, /*firstSeed=*/5001, true);
  EXPECT_EQ(found.masks, 300);
}

} // namespace
