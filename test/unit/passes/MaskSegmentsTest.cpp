//===- MaskSegmentsTest.cpp - Segments of masks that have a name ----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskModel.h"
#include <gtest/gtest.h>

using namespace fovea::attn;
using namespace fovea::attn::test;

namespace {

/// How close the segments come to the truth, key by key.
enum class Tightness {
  Exact, ///< the class of every key is right
  Sound, ///< nothing lost
};

struct NamedMask {
  const char *name;
  const char *body;
  Tightness tightness;
};

void PrintTo(const NamedMask &mask, std::ostream *os) { *os << mask.name; }

// %a and %b are runtime scalars: a length, a window, an offset.
const NamedMask namedMasks[] = {
    {"causal", "%keep = arith.cmpi sle, %j, %i : index", Tightness::Exact},
    {"causal_strict", "%keep = arith.cmpi slt, %j, %i : index",
     Tightness::Exact},
    {"anti_causal", "%keep = arith.cmpi sge, %j, %i : index", Tightness::Exact},
    {"past", R"(%p = arith.addi %i, %a : index
      %keep = arith.cmpi sle, %j, %p : index)",
     Tightness::Exact},
    {"past_unsigned", R"(%p = arith.addi %i, %c4 : index
      %keep = arith.cmpi ule, %j, %p : index)",
     Tightness::Exact},
    {"bottom_right", R"(%p = arith.subi %b, %a : index
      %q = arith.addi %i, %p : index
      %keep = arith.cmpi sle, %j, %q : index)",
     Tightness::Exact},
    {"window_4", R"(%x = arith.cmpi sle, %j, %i : index
      %d = arith.subi %i, %j : index
      %y = arith.cmpi slt, %d, %c4 : index
      %keep = arith.andi %x, %y : i1)",
     Tightness::Exact},
    {"window_runtime", R"(%x = arith.cmpi sle, %j, %i : index
      %d = arith.subi %i, %j : index
      %y = arith.cmpi slt, %d, %a : index
      %keep = arith.andi %x, %y : i1)",
     Tightness::Exact},
    {"band_by_extrema", R"(%d = arith.subi %i, %j : index
      %n = arith.subi %j, %i : index
      %m = arith.maxsi %d, %n : index
      %keep = arith.cmpi sle, %m, %a : index)",
     Tightness::Exact},
    {"prefix", R"(%x = arith.cmpi sle, %j, %i : index
      %y = arith.cmpi slt, %j, %a : index
      %keep = arith.ori %x, %y : i1)",
     Tightness::Exact},
    {"padding", "%keep = arith.cmpi slt, %j, %a : index", Tightness::Exact},
    {"padding_of_both", R"(%x = arith.cmpi slt, %j, %a : index
      %y = arith.cmpi slt, %i, %a : index
      %keep = arith.andi %x, %y : i1)",
     Tightness::Exact},
    {"causal_padding", R"(%x = arith.cmpi sle, %j, %i : index
      %y = arith.cmpi slt, %j, %a : index
      %keep = arith.andi %x, %y : i1)",
     Tightness::Exact},
    {"sink_window", R"(%x = arith.cmpi sle, %j, %i : index
      %d = arith.subi %i, %j : index
      %y = arith.cmpi slt, %d, %a : index
      %z = arith.cmpi slt, %j, %c4 : index
      %w = arith.ori %y, %z : i1
      %keep = arith.andi %x, %w : i1)",
     Tightness::Exact},
    {"global_sliding", R"(%d = arith.subi %i, %j : index
      %x = arith.cmpi slt, %d, %a : index
      %n = arith.subi %j, %i : index
      %y = arith.cmpi slt, %n, %a : index
      %band = arith.andi %x, %y : i1
      %g = arith.cmpi slt, %j, %b : index
      %h = arith.cmpi slt, %i, %b : index
      %k = arith.ori %g, %h : i1
      %keep = arith.ori %band, %k : i1)",
     Tightness::Exact},
    {"chunked_4", R"(%x = arith.floordivsi %i, %c4 : index
      %y = arith.floordivsi %j, %c4 : index
      %keep = arith.cmpi eq, %x, %y : index)",
     Tightness::Exact},
    {"chunked_64", R"(%x = arith.divsi %i, %c64 : index
      %y = arith.divsi %j, %c64 : index
      %keep = arith.cmpi eq, %x, %y : index)",
     Tightness::Exact},
    {"block_causal", R"(%x = arith.floordivsi %i, %c4 : index
      %y = arith.floordivsi %j, %c4 : index
      %keep = arith.cmpi sle, %y, %x : index)",
     Tightness::Exact},
    {"chunk_and_previous", R"(%x = arith.floordivsi %i, %c4 : index
      %y = arith.floordivsi %j, %c4 : index
      %d = arith.subi %x, %y : index
      %p = arith.cmpi sge, %d, %c0 : index
      %q = arith.cmpi sle, %d, %c1 : index
      %keep = arith.andi %p, %q : i1)",
     Tightness::Exact},
    {"every_second_query", R"(%x = arith.muli %j, %c2 : index
      %keep = arith.cmpi sle, %x, %i : index)",
     Tightness::Exact},
    {"dilated_window", R"(%d = arith.subi %i, %j : index
      %r = arith.remsi %d, %c4 : index
      %x = arith.cmpi eq, %r, %c0 : index
      %y = arith.cmpi sge, %d, %c0 : index
      %z = arith.cmpi slt, %d, %a : index
      %p = arith.andi %x, %y : i1
      %keep = arith.andi %p, %z : i1)",
     Tightness::Sound},
    {"same_residue", R"(%x = arith.remsi %i, %c4 : index
      %y = arith.remsi %j, %c4 : index
      %keep = arith.cmpi eq, %x, %y : index)",
     Tightness::Sound},
    {"documents", "%keep = arith.cmpi eq, %u, %c1 : index", Tightness::Sound},
    {"causal_documents", R"(%x = arith.cmpi sle, %j, %i : index
      %y = arith.cmpi eq, %u, %c1 : index
      %keep = arith.andi %x, %y : i1)",
     Tightness::Sound},
    {"always", R"(%x = arith.cmpi sge, %j, %c0 : index
      %keep = arith.ori %x, %true : i1)",
     Tightness::Exact},
    {"always_by_sign", "%keep = arith.cmpi sge, %i, %c0 : index",
     Tightness::Exact},
    {"never", "%keep = arith.xori %true, %true : i1", Tightness::Exact},
    {"not_causal", R"(%x = arith.cmpi sle, %j, %i : index
      %keep = arith.xori %x, %true : i1)",
     Tightness::Exact},
    {"causal_by_switch", R"(%x = arith.cmpi sle, %j, %i : index
      %f = arith.cmpi sgt, %a, %c3 : index
      %keep = arith.select %f, %x, %true : i1)",
     Tightness::Exact},
};

class NamedMaskTest : public testing::TestWithParam<NamedMask> {};

void forEachTile(const MaskModel &mask,
                 llvm::function_ref<void(const std::vector<KeyClass> &,
                                         const std::vector<KeyClass> &)>
                     check) {
  for (MaskSizes sizes :
       {MaskSizes{13, 13, {5, 9}}, MaskSizes{7, 20, {2, 17}},
        MaskSizes{21, 6, {20, 3}}, MaskSizes{3, 1, {-2, 0}},
        MaskSizes{4, 0, {0, 0}}, MaskSizes{130, 131, {70, 100}}}) {
    std::vector<bool> kept = mask.getKept(sizes);
    for (int64_t tile : {1, 4, 6, 32})
      for (int64_t begin = 0; begin < sizes.numQueries; begin += tile) {
        int64_t end = std::min(begin + tile, sizes.numQueries);
        SCOPED_TRACE(testing::Message()
                     << "queries " << begin << ".." << end << " of "
                     << sizes.numQueries << ", keys " << sizes.numKeys << ", a "
                     << sizes.scalars[0] << ", b " << sizes.scalars[1]);
        check(mask.getClasses(begin, end, sizes),
              MaskModel::getTruth(begin, end, sizes, kept));
        if (testing::Test::HasFailure())
          return;
      }
  }
}

TEST_P(NamedMaskTest, ClassesOfKeys) {
  MaskModel mask(GetParam().body);
  ASSERT_TRUE(mask.isValid());
  SCOPED_TRACE(mask.printSegments());
  std::cout << mask.getMilliseconds() << " ms\n";
  EXPECT_LT(mask.getMilliseconds(), 100) << "measured: 0.25 ms at most";
  forEachTile(mask, [&](const std::vector<KeyClass> &classes,
                        const std::vector<KeyClass> &truth) {
    for (unsigned j = 0; j != classes.size(); ++j) {
      if (classes[j] == KeyClass::Partial)
        continue;
      ASSERT_EQ(classes[j], truth[j]) << "key " << j << " is misjudged";
    }
    if (GetParam().tightness == Tightness::Exact)
      ASSERT_EQ(classes, truth);
  });
}

INSTANTIATE_TEST_SUITE_P(Masks, NamedMaskTest, testing::ValuesIn(namedMasks),
                         [](const auto &info) {
                           return std::string(info.param.name);
                         });

} // namespace
