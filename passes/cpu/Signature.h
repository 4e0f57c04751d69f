//===- Signature.h - What an entry takes, returns and is sized by ---------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_CPU_SIGNATURE_H
#define FOVEA_PASSES_CPU_SIGNATURE_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinOps.h"

#include <optional>
#include <string>

namespace fovea::attn {

/// Names of the attributes that carry an entry's metadata.
inline constexpr llvm::StringLiteral kEntryAttr = "attn.entry";
inline constexpr llvm::StringLiteral kNameAttr = "attn.name";
inline constexpr llvm::StringLiteral kDimsAttr = "attn.dims";
inline constexpr llvm::StringLiteral kSizesAttr = "attn.sizes";
inline constexpr llvm::StringLiteral kRangesAttr = "attn.ranges";
/// Marks an argument that a result is written to.
inline constexpr llvm::StringLiteral kResultAttr = "attn.result";
/// Marks the argument that intermediate buffers lie in.
inline constexpr llvm::StringLiteral kWorkspaceAttr = "attn.workspace";

/// The size of a named index.
struct IndexSymbol {
  /// How the size is found at a call.
  enum class Kind {
    Solved,   ///< from the shapes of the operands
    Fixed,    ///< `size`, known when compiling
    Computed, ///< `map`, of `mapSymbols` and `mapInputs`
    Program,  ///< from the shapes of the weights
  };

  /// What a symbol of `map` stands for: a symbol of the entry, or an integer
  /// scalar input of it.
  struct Term {
    bool isInput;
    int64_t number;
  };

  std::string name;
  Kind kind = Kind::Solved;
  /// The size of a fixed symbol, the number of a program's one.
  int64_t size = 0;
  mlir::AffineMap map;
  llvm::SmallVector<Term> terms;
};

/// One memory dimension, the product of its factors: one >= 0 is a constant,
/// one < 0 is the symbol numbered ~factor.
using DimFactors = llvm::SmallVector<int64_t>;

/// An operand or a result of an entry.
struct TensorSignature {
  std::string name;
  /// A scalar's type, or a tensor's element type.
  mlir::Type elementType;
  llvm::SmallVector<DimFactors> dims;
  bool isScalar = false;
  mlir::Location loc;
};

/// What the runtime knows of an entry.
struct EntrySignature {
  std::string name;
  llvm::SmallVector<IndexSymbol> symbols;
  llvm::SmallVector<TensorSignature> inputs;
  llvm::SmallVector<TensorSignature> outputs;

  /// The number of the symbol called `name`.
  std::optional<int64_t> findSymbol(llvm::StringRef name) const;

  /// The number of `name`, which becomes a symbol if it is none yet.
  int64_t getOrAddSymbol(llvm::StringRef name);
};

/// A weight, or a family of weights of one shape.
struct ParamSignature {
  std::string name;
  /// The name in the weights file, `{0}` standing for the member's number.
  std::string source;
  mlir::Type elementType;
  /// Over the program's symbols.
  llvm::SmallVector<DimFactors> dims;
  /// When packed, the dimensions in the order of reading: first the
  /// `columnRank` ones that run along a panel's columns.
  llvm::SmallVector<int64_t> order;
  mlir::Location loc;
  unsigned columnRank = 0;
  /// Whether panels have neighbours along all other dimensions in pairs.
  bool pairs = false;
  /// Columns of a panel; 0 when not packed.
  int64_t block = 0;
  int64_t members = 1;
  /// The number of its first member among the members of all weights.
  int64_t base = 0;
};

/// The weights of a program, and the symbols in their shapes.
struct ProgramParams {
  llvm::SmallVector<ParamSignature> params;
  llvm::SmallVector<IndexSymbol> symbols;

  /// The weight declared as `@name`, or null.
  const ParamSignature *find(llvm::StringRef name) const;
};

/// Reads the weights that `module` declares; reports those whose shape lacks
/// the names of sizes that only the weights file decides.
mlir::FailureOr<ProgramParams> readParams(mlir::ModuleOp module);

/// Reads the signature of an entry from the attributes of its arguments and
/// results, in graph form or in buffer form. Symbols are numbered in the order
/// in which the inputs, then the outputs, name them. Reports metadata that is
/// missing or that contradicts the types. The program's own symbols are symbols
/// of every entry.
mlir::FailureOr<EntrySignature> readSignature(mlir::func::FuncOp entry,
                                              const ProgramParams &params);

/// Reads the groups of index names in `attribute` as factors over `signature`'s
/// symbols. `rank` is the number of groups expected.
mlir::FailureOr<llvm::SmallVector<DimFactors>>
readDims(mlir::Operation *op, mlir::Attribute attribute, int64_t rank,
         llvm::function_ref<int64_t(llvm::StringRef)> numberOf);

} // namespace fovea::attn

#endif // FOVEA_PASSES_CPU_SIGNATURE_H
