//===- AST.h - The program as it was written --------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nodes live in a bump allocator that is dropped as a whole: no destructor
// walks a tree, so the depth of a program costs no stack. They hold names and
// ranges as text in the source buffer; nothing is resolved yet.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_AST_H
#define FOVEA_FRONTEND_AST_H

#include "frontend/Lexer.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Allocator.h"
#include "llvm/Support/Casting.h"

namespace fovea::frontend::ast {

using llvm::ArrayRef;
using llvm::SMRange;
using llvm::StringRef;

/// A name in the source.
struct Name {
  StringRef text;
  SMRange range;
};

//===----------------------------------------------------------------------===//
// Expressions
//===----------------------------------------------------------------------===//

struct Expr {
  enum Kind {
    IntegerKind,
    RealKind,
    BoolKind,
    NameKind,
    UnaryKind,
    ChainKind,
    BinaryKind,
    CallKind,
    SubscriptKind,
  };
  const Kind kind;
  SMRange range;

protected:
  Expr(Kind kind, SMRange range) : kind(kind), range(range) {}
};

template <Expr::Kind K>
struct ExprOf : Expr {
  static bool classof(const Expr *expr) { return expr->kind == K; }

protected:
  explicit ExprOf(SMRange range) : Expr(K, range) {}
};

struct IntegerExpr : ExprOf<Expr::IntegerKind> {
  IntegerExpr(SMRange range, int64_t value) : ExprOf(range), value(value) {}
  int64_t value;
};

struct RealExpr : ExprOf<Expr::RealKind> {
  RealExpr(SMRange range, double value) : ExprOf(range), value(value) {}
  double value;
};

struct BoolExpr : ExprOf<Expr::BoolKind> {
  BoolExpr(SMRange range, bool value) : ExprOf(range), value(value) {}
  bool value;
};

/// `x`, or `masks.causal` with a qualifier.
struct NameExpr : ExprOf<Expr::NameKind> {
  NameExpr(SMRange range, StringRef qualifier, StringRef name)
      : ExprOf(range), qualifier(qualifier), name(name) {}
  StringRef qualifier; ///< Empty without one.
  StringRef name;
};

enum class UnaryOp { Negate, Not };

struct UnaryExpr : ExprOf<Expr::UnaryKind> {
  UnaryExpr(SMRange range, UnaryOp op, Expr *operand)
      : ExprOf(range), op(op), operand(operand) {}
  UnaryOp op;
  Expr *operand;
};

enum class BinaryOp {
  Add,
  Subtract,
  Multiply,
  Divide,
  FloorDivide,
  Modulo,
  Power,
  Equal,
  NotEqual,
  Less,
  LessEqual,
  Greater,
  GreaterEqual,
  And,
  Or,
};

/// The spelling of an operator: `//`, `and`.
StringRef spelling(BinaryOp op);
StringRef spelling(UnaryOp op);

/// A chain of left-associative operators of one precedence, `a + b - c`. A
/// chain of any length is one node, so that no walk recurses along it.
struct ChainExpr : ExprOf<Expr::ChainKind> {
  struct Link {
    BinaryOp op;
    SMRange opRange;
    Expr *operand;
  };
  ChainExpr(SMRange range, Expr *first, ArrayRef<Link> links)
      : ExprOf(range), first(first), links(links) {}
  Expr *first;
  ArrayRef<Link> links;
};

/// A comparison or a power: operators that do not chain to the left.
struct BinaryExpr : ExprOf<Expr::BinaryKind> {
  BinaryExpr(SMRange range, BinaryOp op, SMRange opRange, Expr *lhs, Expr *rhs)
      : ExprOf(range), op(op), opRange(opRange), lhs(lhs), rhs(rhs) {}
  BinaryOp op;
  SMRange opRange;
  Expr *lhs, *rhs;
};

/// `begin .. end`, the end excluded.
struct Range {
  SMRange range;
  Expr *begin, *end;
};

/// An index that is named where it is bound: `d`, or `w in 0..3`.
struct IndexName {
  Name name;
  Range *in = nullptr;
};

/// An argument `value`, or `name = value`.
struct Argument {
  Name name; ///< Empty text when by position.
  Expr *value;
};

/// `name<M = 7>[indices](arguments where condition)`. Without indices and a
/// condition it may also be an elementwise function or a cast.
struct CallExpr : ExprOf<Expr::CallKind> {
  CallExpr(SMRange range, NameExpr *callee) : ExprOf(range), callee(callee) {}
  NameExpr *callee;
  ArrayRef<Argument> statics;
  ArrayRef<IndexName> indices;
  bool hasIndices = false; ///< Tells `f[](x)` from `f(x)`.
  ArrayRef<Argument> arguments;
  Expr *where = nullptr;
};

/// `x[e1, e2]` by position, or `x[d = e]` by name; never mixed.
struct SubscriptExpr : ExprOf<Expr::SubscriptKind> {
  SubscriptExpr(SMRange range, Expr *base, ArrayRef<Argument> arguments)
      : ExprOf(range), base(base), arguments(arguments) {}
  Expr *base;
  ArrayRef<Argument> arguments;
  bool isByName() const {
    return !arguments.empty() && !arguments.front().name.text.empty();
  }
};

//===----------------------------------------------------------------------===//
// Types, statements, declarations
//===----------------------------------------------------------------------===//

/// One part of a dimension: an index (with or without its range) or, when
/// `size` is set, a constant extent that has no index name.
struct DimPart {
  SMRange range;
  IndexName index;
  Expr *size = nullptr;
};

/// One memory dimension: one part, or a group `(a, b)` of them, row-major.
struct Dim {
  SMRange range;
  ArrayRef<DimPart> parts;
};

/// `sorted i32[n]`, `T[b, (h, g), i, d]`, or the scalar type `f32`.
struct Type {
  SMRange range;
  Name element;
  bool sorted = false;
  ArrayRef<Dim> dims;
};

/// A parameter of a function: typed, or untyped with an optional default.
struct Operand {
  Name name;
  Type *type = nullptr;
  Expr *defaultValue = nullptr;
};

struct Stmt {
  enum Kind { LetKind, ForKind, ResultKind };
  Kind kind;
  SMRange range;
  /// Let: the name and, where declared, its free indices in order.
  Name name;
  ArrayRef<Name> indices;
  bool declaresIndices = false;
  /// Let and Result.
  Expr *value = nullptr;
  /// For.
  IndexName loop;
  ArrayRef<Stmt *> body;
};

struct Decl {
  enum Kind { UseKind, ConstKind, ParamKind, FunctionKind, ModelKind };
  const Kind kind;
  SMRange range;
  Name name;

protected:
  Decl(Kind kind, Name name) : kind(kind), range(name.range), name(name) {}
};

template <Decl::Kind K>
struct DeclOf : Decl {
  static bool classof(const Decl *decl) { return decl->kind == K; }

protected:
  explicit DeclOf(Name name) : Decl(K, name) {}
};

/// `use std.masks`. The name is the last part, by which it qualifies.
struct UseDecl : DeclOf<Decl::UseKind> {
  UseDecl(Name name, ArrayRef<Name> path) : DeclOf(name), path(path) {}
  ArrayRef<Name> path;
};

/// One `NAME = value` of a `const` line.
struct ConstDecl : DeclOf<Decl::ConstKind> {
  ConstDecl(Name name, Expr *value) : DeclOf(name), value(value) {}
  Expr *value;
};

/// `param wq[layer in 0..L]: f32[…] = "name.{layer}.in.the.file"`.
struct ParamDecl : DeclOf<Decl::ParamKind> {
  explicit ParamDecl(Name name) : DeclOf(name) {}
  ArrayRef<IndexName> family;
  Type *type = nullptr;
  Name source; ///< The string with its quotes; empty when not given.
};

/// `attention`, `fn` and `entry`.
struct FunctionDecl : DeclOf<Decl::FunctionKind> {
  enum Role { Attention, Fn, Entry };
  FunctionDecl(Role role, Name name) : DeclOf(name), role(role) {}
  Role role;
  ArrayRef<Name> statics; ///< `<M: int>`
  ArrayRef<Name> indices; ///< `[j, d]`
  ArrayRef<Operand> operands;
  ArrayRef<Operand> results; ///< Typed functions only.
  ArrayRef<IndexName> over;
  ArrayRef<Stmt *> body;

  /// A typed function is exported; an untyped one is used by others.
  bool isTyped() const {
    return role == Entry || (role == Attention && !results.empty());
  }
};

struct ModelDecl : DeclOf<Decl::ModelKind> {
  explicit ModelDecl(Name name) : DeclOf(name) {}
  ArrayRef<Decl *> members;
};

/// One file. The nodes live as long as the allocator they were made in.
struct File {
  StringRef buffer;
  ArrayRef<Decl *> decls;
  ArrayRef<Comment> comments;
};

/// Prints `file` as nested lists without places or comments: two files with
/// the same text here are the same program.
void print(const File &file, llvm::raw_ostream &os);
void print(const Expr *expr, llvm::raw_ostream &os);

} // namespace fovea::frontend::ast

#endif // FOVEA_FRONTEND_AST_H
