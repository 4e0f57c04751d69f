//===- IndexExpr.h - Expressions over sets of indices -----------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a program means, after names are gone: a hash-consed graph of pure
// expressions. Each is a function of a set of free indices; a reduction binds
// some. Functions are already inlined in it.
//
// Bound indices are canonical: they are named after the nesting level of
// their binder, so that two expressions that differ only in bound indices are
// the same node. That is how the score of a softmax and that of a
// log-sum-exp are known to be one.
//
// All walks go over node numbers (operands come before their users), never
// by recursion: a graph may be deeper than any stack.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_INDEXEXPR_H
#define FOVEA_FRONTEND_INDEXEXPR_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Allocator.h"
#include "llvm/Support/SMLoc.h"
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace fovea::frontend {

struct Node;
struct Loop;

/// How an element lies in memory.
enum class DType { I1, I8, I16, I32, I64, F8E4M3, F8E5M2, F16, BF16, F32 };
/// What a value is in an expression: integers are exact, reals are f32.
/// Unknown stands for the operand of a function that is not called.
enum class Elem { Unknown, Bool, Int, Real };

std::optional<DType> parseDType(llvm::StringRef name);
llvm::StringRef spelling(DType type);
llvm::StringRef spelling(Elem elem);
Elem elemOf(DType type);
/// How a value lies in memory when it becomes a tensor of its own.
DType storageOf(Elem elem);

/// The size of an index: known now, known at the call, or computed from
/// integer arguments and other sizes. Compared by address, static ones by
/// value.
struct Extent {
  enum Kind { Static, Symbol, Computed };
  Kind kind;
  int64_t value = 0;          ///< Static.
  std::string name;           ///< Symbol: the index that gives the size.
  const Node *expr = nullptr; ///< Computed.
  unsigned id = 0;

  bool isStatic() const { return kind == Static; }
  bool operator==(const Extent &other) const {
    return this == &other ||
           (isStatic() && other.isStatic() && value == other.value);
  }
};

struct IndexVar {
  std::string name;
  const Extent *extent = nullptr; ///< Null while not yet known.
  llvm::SMLoc loc;                ///< Where it got its range.
  unsigned id = 0;
  bool isBound = false;
};

/// One part of a dimension; without an index it is read by position only.
struct TensorPart {
  const IndexVar *index = nullptr;
  const Extent *extent = nullptr;
};

/// What can be read: an operand, a weight, or a value that a loop carries.
struct Tensor {
  enum Kind { Argument, Param, Local, LoopArgument, LoopResult };
  Tensor(Kind kind, llvm::StringRef name) : kind(kind), name(name) {}
  Kind kind;
  std::string name;
  DType dtype = DType::F32;
  bool isSorted = false;
  bool isOpaque = false; ///< Operand of a function that is only checked.
  llvm::SMLoc loc;
  /// Memory dimensions, each a group of one or more parts. A parameter's
  /// family comes first, `familyRank` of them.
  std::vector<llvm::SmallVector<TensorPart, 2>> dims;
  unsigned familyRank = 0;
  std::string source;  ///< Param: its name in the weights file.
  unsigned number = 0; ///< Position among operands, or carried values.
  Loop *loop = nullptr;
  const Node *definition = nullptr; ///< Local.

  /// A scalar operand is a value, not a tensor of one element.
  bool isScalar() const { return kind == Argument && dims.empty(); }

  /// The parts of all dimensions, in memory order.
  llvm::SmallVector<TensorPart> parts() const {
    llvm::SmallVector<TensorPart> all;
    for (const auto &dim : dims)
      all.append(dim.begin(), dim.end());
    return all;
  }
};

enum class NodeOp {
  // Leaves.
  Integer,
  Real,
  Bool,
  Static, ///< A compile-time parameter that has no value yet.
  Index,
  Size,
  Read,
  // One operand.
  Negate,
  Not,
  Abs,
  Exp,
  Exp2,
  Expm1,
  Log,
  Log1p,
  Log2,
  Sqrt,
  Rsqrt,
  Tanh,
  Sigmoid,
  Erf,
  Sin,
  Cos,
  Floor,
  Ceil,
  Round,
  ToReal,  ///< Integer to real.
  Convert, ///< Round to `dtype`, and back to what `elem` says.
  // Two operands.
  Add,
  Subtract,
  Multiply,
  Divide,
  FloorDivide,
  Modulo,
  Power,
  Min,
  Max,
  And,
  Or,
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  // Three operands.
  Select,
  // Binders: operand 0 is the body, operand 1 the condition.
  Sum,
  Product,
  Maximum,
  Minimum,
  Any,
  All,
  ArgMax,
  LogSumExp,
  /// softmax[j](s) has j free again: operands from 2 on are where it is read.
  Softmax,
  /// The value of an `attention` in a model: its operand is one fused kernel.
  Fused,
};

inline bool isBinder(NodeOp op) {
  return op >= NodeOp::Sum && op <= NodeOp::Softmax;
}
inline bool isComparison(NodeOp op) {
  return op >= NodeOp::Equal && op <= NodeOp::GreaterEqual;
}
llvm::StringRef spelling(NodeOp op);

struct Node {
  NodeOp op = NodeOp::Integer;
  Elem elem = Elem::Unknown;
  unsigned id = 0;
  unsigned level = 0; ///< Greatest nesting of binders within.
  bool hasBinder = false;
  int64_t integer = 0;
  double real = 0;
  DType dtype = DType::F32;
  const Tensor *tensor = nullptr;
  const IndexVar *index = nullptr;
  const Extent *extent = nullptr;
  llvm::StringRef name; ///< Static, Fused.
  llvm::ArrayRef<const IndexVar *> bound;
  llvm::ArrayRef<const Node *> operands;
  llvm::ArrayRef<const IndexVar *> free; ///< Sorted by number.
  llvm::SMLoc loc;

  const Node *body() const { return operands[0]; }
  const Node *condition() const { return operands[1]; }
  /// Softmax: the positions at which it is read, one for each bound index.
  llvm::ArrayRef<const Node *> at() const { return operands.drop_front(2); }
  bool dependsOn(const IndexVar *var) const {
    return llvm::is_contained(free, var);
  }
  bool isTrue() const { return op == NodeOp::Bool && integer; }
  std::optional<int64_t> asInteger() const {
    if (op == NodeOp::Integer)
      return integer;
    return std::nullopt;
  }
};

using IndexMap = llvm::DenseMap<const IndexVar *, const Node *>;

/// A loop of an entry, and the values that it carries.
struct Loop {
  struct Carried {
    std::string name;
    Tensor *argument; ///< The value at the start of a round.
    Tensor *result;   ///< The value after the last.
    const Node *init = nullptr;
    const Node *yield = nullptr;
    llvm::SMLoc loc;
  };
  const IndexVar *index = nullptr;
  const Node *begin = nullptr, *end = nullptr;
  std::vector<Carried> carried;
  Loop *parent = nullptr;
  llvm::SMLoc loc;
};

/// Makes and owns all of the above.
class IndexGraph {
public:
  const Extent *staticExtent(int64_t value);
  const Extent *symbolExtent(llvm::StringRef name);
  /// A computed extent; static when `expr` is a constant.
  const Extent *computedExtent(const Node *expr);

  IndexVar *makeIndex(llvm::StringRef name, const Extent *extent,
                      llvm::SMLoc loc);
  Tensor *makeTensor(Tensor tensor);
  Loop *makeLoop();

  const Node *integer(int64_t value, llvm::SMLoc loc);
  const Node *real(double value, llvm::SMLoc loc);
  const Node *boolean(bool value, llvm::SMLoc loc);
  const Node *staticParam(llvm::StringRef name, llvm::SMLoc loc);
  const Node *index(const IndexVar *var, llvm::SMLoc loc);
  const Node *size(const Extent *extent, llvm::SMLoc loc);
  /// Reads `tensor` at one integer expression for each part.
  const Node *read(const Tensor *tensor, llvm::ArrayRef<const Node *> at,
                   llvm::SMLoc loc);
  /// An elementwise operation; operands are already of matching `elem`s.
  /// Integer constants are folded.
  const Node *apply(NodeOp op, Elem elem, llvm::ArrayRef<const Node *> operands,
                    llvm::SMLoc loc);
  const Node *convert(DType dtype, const Node *operand, llvm::SMLoc loc);
  /// A binder over the free indices `indices` of `body`.
  const Node *bind(NodeOp op, Elem elem,
                   llvm::ArrayRef<const IndexVar *> indices, const Node *body,
                   const Node *condition, llvm::SMLoc loc);
  const Node *fused(llvm::StringRef name, const Node *body, llvm::SMLoc loc);

  /// `node` with each free index of `map` replaced.
  const Node *substitute(const Node *node, const IndexMap &map);
  /// The same node with other operands (not for binders that change levels).
  const Node *withOperands(const Node *node,
                           llvm::ArrayRef<const Node *> operands);

  /// `node` as a tensor of its own, which is computed once however it is read:
  /// a read of it at its own free indices, but for those in `fixed`.
  const Node *local(const Node *node, llvm::StringRef name,
                    llvm::ArrayRef<const IndexVar *> fixed);

private:
  const Node *intern(Node node);
  const IndexVar *boundIndex(const IndexVar *var, unsigned level,
                             unsigned position);
  const Node *bindCanonical(const Node &like,
                            llvm::ArrayRef<const IndexVar *> bound,
                            const Node *body, const Node *condition,
                            llvm::ArrayRef<const Node *> at);

  llvm::BumpPtrAllocator arena;
  std::deque<Extent> extents;
  std::deque<IndexVar> vars;
  std::deque<Tensor> tensors;
  std::deque<Loop> loops;
  std::deque<std::string> names;
  std::multimap<size_t, const Node *> nodes;
  std::map<std::tuple<std::string, unsigned, unsigned, unsigned>,
           const IndexVar *>
      boundVars;
  llvm::DenseMap<const Node *, const Tensor *> locals;
  unsigned nextNode = 0;
};

/// The free indices of `node` in the order of their first use, but for those
/// in `fixed`: the order of dimensions when it is computed as a tensor.
llvm::SmallVector<const IndexVar *>
freeInOrder(const Node *node, llvm::ArrayRef<const IndexVar *> fixed);

/// All nodes below `roots`, operands before users. `enter` may say that what
/// is below a node is not wanted.
std::vector<const Node *>
reachable(llvm::ArrayRef<const Node *> roots,
          llvm::function_ref<bool(const Node *)> enter = nullptr);

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_INDEXEXPR_H
