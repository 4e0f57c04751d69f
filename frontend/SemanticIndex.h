//===- SemanticIndex.h - What each name of a program means ------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// For tools that answer questions about a place in the source: an editor's
// hover, go to definition, completion. Elaboration fills it when asked to,
// also for a program with errors, as far as its names can be resolved.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_SEMANTICINDEX_H
#define FOVEA_FRONTEND_SEMANTICINDEX_H

#include "frontend/IndexExpr.h"
#include "frontend/Modules.h"

namespace fovea::frontend {

/// What an elaborated name or expression stands for; at most one of `value`
/// and `index` is set.
struct Meaning {
  const Node *value = nullptr;     ///< A value, and its free indices.
  const Tensor *tensor = nullptr;  ///< What has declared dimensions.
  const IndexVar *index = nullptr; ///< An index.
};

/// One thing that has a name, defined at one place of the sources.
struct Symbol {
  enum Kind {
    Module,   ///< Of a `use`; defined where its file begins.
    Constant, ///< Of a file or a model.
    Model,
    Function, ///< `fn`, `attention` and `entry`.
    Param,    ///< A weight of a model.
    Static,   ///< A compile-time parameter `<M: int>`.
    Operand,
    Result,
    Index,
    Local, ///< Of a let.
  };
  Kind kind;
  llvm::StringRef name;
  llvm::SMRange definition;
  /// The declaration itself, or the function or model that it is part of;
  /// null for a module, and for a local or an index inside of one.
  const ast::Decl *decl = nullptr;
  /// What an operand, a result or a parameter is declared to be.
  const ast::Type *type = nullptr;
  /// A Module: the module it names. Else the one that it is in, where known.
  const frontend::Module *module = nullptr;
  /// As it was defined; empty where elaboration did not get there.
  Meaning meaning = {};
};

/// A name, or an expression where `symbol` is null, and what it means there.
struct Occurrence {
  llvm::SMRange range;
  const Symbol *symbol = nullptr;
  Meaning meaning;
};

class SemanticIndex {
public:
  // To fill it.

  /// Adds what the files declare, and the names of their declarations.
  void addDeclarations(const Modules &modules);
  /// Adds a use (or the definition) of the name that is defined at
  /// `definition`. A name that no declaration has given is a local or, when
  /// it means one, an index.
  void addName(llvm::SMRange range, llvm::SMLoc definition,
               const Meaning &meaning);
  void addExpr(llvm::SMRange range, const Node *value);
  /// Keeps the end of an index's range as it is written, which is how a reader
  /// knows it.
  void addRange(const IndexVar *index, llvm::SMRange end);

  // To ask it.

  /// The innermost name or expression around `loc`, or that ends there; null
  /// without one.
  const Occurrence *find(llvm::SMLoc loc) const;
  /// Where `symbol` is named, its definition included, in source order.
  std::vector<llvm::SMRange> uses(const Symbol &symbol) const;
  /// All that may be named, without a qualifier, at `loc` of `main`. An inner
  /// name comes before an outer one that it may be mistaken for.
  std::vector<const Symbol *> visibleAt(llvm::SMLoc loc,
                                        const Module &main) const;
  /// The functions and constants that `module` gives to others.
  std::vector<const Symbol *> exportsOf(const Module &module) const;
  /// The end of the range of `index` as the program writes it; empty when it
  /// has none.
  llvm::StringRef rangeOf(const IndexVar *index) const;

private:
  Symbol &add(Symbol symbol);
  void addFunction(const ast::FunctionDecl *function, const Module &module);
  void addModel(const ast::ModelDecl *model, const Module &module);

  std::deque<Symbol> symbols;
  llvm::DenseMap<const char *, Symbol *> byDefinition;
  std::vector<Occurrence> occurrences;
  llvm::DenseMap<const IndexVar *, llvm::StringRef> ranges;
  /// For an index that takes the range of another. Equal constants are one
  /// extent, whatever they are called, so they are not here.
  llvm::DenseMap<const Extent *, llvm::StringRef> extents;
};

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_SEMANTICINDEX_H
