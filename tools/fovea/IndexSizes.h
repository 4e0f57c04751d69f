//===- IndexSizes.h - Sizes of named indices, for a run ---------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_FOVEA_INDEXSIZES_H
#define FOVEA_TOOLS_FOVEA_INDEXSIZES_H

#include "passes/cpu/Signature.h"
#include "tools/fovea/HostTensor.h"

#include "llvm/ADT/StringMap.h"

namespace fovea::tool {

/// The sizes of an entry's indices, as far as they are known.
class IndexSizes {
public:
  explicit IndexSizes(const attn::EntrySignature &entry)
      : entry(entry), values(entry.symbols.size()) {}

  /// Sets a size; a different one that is known already is an error.
  llvm::Error set(int64_t symbol, int64_t size);
  /// The product of the factors, if all are known.
  std::optional<int64_t> product(const attn::DimFactors &factors) const;
  std::optional<int64_t> get(int64_t symbol) const { return values[symbol]; }
  /// The sizes of a tensor's dimensions; where one is not known, an error that
  /// says what to give for all tensors of the entry.
  llvm::Expected<std::vector<int64_t>>
  shapeOf(const attn::TensorSignature &tensor) const;
  /// The smallest size that is known and above 1, and the largest; 1 when there
  /// is none.
  int64_t smallest() const;
  int64_t largest() const;

private:
  std::string missingOptions() const;

  const attn::EntrySignature &entry;
  std::vector<std::optional<int64_t>> values;
};

/// The sizes that the command line, the source and the inputs that are given
/// (in the order of the entry's, absent ones empty) decide. An error names what
/// contradicts them.
llvm::Expected<IndexSizes>
solveIndexSizes(const attn::EntrySignature &entry,
                llvm::ArrayRef<std::optional<HostTensor>> given,
                const llvm::StringMap<int64_t> &requested);

} // namespace fovea::tool

#endif // FOVEA_TOOLS_FOVEA_INDEXSIZES_H
