//===- MaskModel.h - A mask, its segments, and its truth --------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TEST_UNIT_PASSES_MASKMODEL_H
#define FOVEA_TEST_UNIT_PASSES_MASKMODEL_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "passes/mask/Segments.h"
#include <string>

namespace fovea::attn::test {

/// What becomes of a key in a tile.
enum class KeyClass { None, Partial, Full };

/// The sizes of one call: `numQueries` x `numKeys`, and the values of the
/// mask's runtime scalars.
struct MaskSizes {
  int64_t numQueries, numKeys;
  llvm::SmallVector<int64_t> scalars;
};

/// A mask of `%i` (query) and `%j` (key), the runtime scalars `%a` and `%b`,
/// and
/// `%u`, an integer about which the compiler knows nothing.
class MaskModel {
public:
  /// `body` is the text of arith ops ending in the definition of the i1
  /// `%keep`;
  /// `%c0 %c1 %c2 %c3 %c4 %c64 %true` are given.
  explicit MaskModel(llvm::StringRef body);

  bool isValid() const { return static_cast<bool>(module); }
  const KeySegments &getSegments() const { return segments; }
  const MaskSets &getSets() const { return sets; }
  /// Time that translation and segments took.
  double getMilliseconds() const { return milliseconds; }

  /// What the mask's region computes, op by op. `%u` is a hash of the others.
  bool isKept(int64_t i, int64_t j, const MaskSizes &sizes) const;
  /// The class of each key for queries `begin <= i < end`, by the segments ...
  std::vector<KeyClass> getClasses(int64_t begin, int64_t end,
                                   const MaskSizes &sizes) const;
  /// ... and by looking at each point, given `isKept` of [i * numKeys + j].
  static std::vector<KeyClass> getTruth(int64_t begin, int64_t end,
                                        const MaskSizes &sizes,
                                        const std::vector<bool> &kept);
  /// All points, for getTruth.
  std::vector<bool> getKept(const MaskSizes &sizes) const;
  std::string printSegments() const;

private:
  mutable mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  MaskSets sets;
  KeySegments segments;
  double milliseconds = 0;
};

} // namespace fovea::attn::test

#endif // FOVEA_TEST_UNIT_PASSES_MASKMODEL_H
