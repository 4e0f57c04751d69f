//===- Elaborate.h - From the AST to index expressions ----------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Semantic analysis: resolves names, gives each index its range and each
// expression its type and free indices, inlines functions, and reports what
// does not fit. A function that nobody calls is checked with operands of
// unknown type.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_ELABORATE_H
#define FOVEA_FRONTEND_ELABORATE_H

#include "frontend/IndexExpr.h"
#include "frontend/Modules.h"

namespace fovea::frontend {

class SemanticIndex;

/// A result of a typed function; `type` gives its dimensions and dtype.
struct FunctionResult {
  Tensor *type;
  const Node *value = nullptr;
};

/// What is left to check at a call so that a read stays in its dimension.
struct ReadCheck {
  enum Kind {
    Require, ///< Sizes and operands decide: such a call is refused.
    Report   ///< The data decide: the read is clamped, and the call tells it.
  };
  Kind kind = Require;
  /// The condition that must not hold for any values of `indices`; each goes
  /// over its range, that of its loop where a loop of the entry binds it.
  const Node *violation = nullptr;
  std::vector<const IndexVar *> indices;
  std::vector<const Loop *> loops; ///< Those that bind some of `indices`.
  /// Uniform: only where it holds can there be a violation. Null: not known.
  const Node *gate = nullptr;
  /// The loop in each of whose rounds this is checked: the innermost whose
  /// carried values it reads. Null: once, before all else.
  const Loop *round = nullptr;
  std::string message;
  llvm::SMLoc loc;
};

/// An exported attention or a model's entry, after analysis.
struct Function {
  std::string name;
  bool isAttention = false;
  std::vector<Tensor *> operands;
  std::vector<FunctionResult> results;
  /// Its indices, in the order in which the header names them; for an entry,
  /// those of the model's parameters follow.
  std::vector<const IndexVar *> indices;
  std::vector<ReadCheck> checks; ///< By frontend/CheckReads.h.
  llvm::SMLoc loc;
};

/// All exported functions of one main file.
struct Program {
  IndexGraph graph;
  std::vector<Function> functions;
  std::vector<Tensor *> params;
};

/// `--set FUNCTION.NAME=VALUE`: the size of an index, the value of a
/// compile-time parameter, or the dtype behind `T`.
struct Setting {
  std::string function, name, value;
};

/// How deep calls and expressions may nest together.
constexpr unsigned maxElaborationDepth = 1024;
/// How many calls a program may inline: functions that call each other twice
/// grow without bound otherwise.
constexpr unsigned maxInlinedCalls = 100000;

class Elaborator {
public:
  Elaborator(const Modules &modules, const Module &main,
             llvm::ArrayRef<Setting> settings, Program &program,
             Diagnostics &diags, SemanticIndex *semantics = nullptr)
      : modules(modules), main(main), settings(settings.vec()),
        program(program), graph(program.graph), diags(diags),
        semantics(semantics) {}

  /// Fills the program, and `semantics` where there is one. Functions with
  /// errors are left out of the program.
  void run();

private:
  /// What a name stands for.
  struct Binding {
    enum Kind { Index, Value, Poison };
    Kind kind = Poison;
    IndexVar *index = nullptr;
    const Node *value = nullptr;
    /// What `x[e1, e2]` addresses: a tensor's dimensions, or the declared
    /// indices of a local.
    const Tensor *tensor = nullptr;
    std::vector<const IndexVar *> order;
    bool isLet = false;
    llvm::SMLoc loc;
  };

  struct Scope {
    explicit Scope(Scope *parent, const Module &module)
        : parent(parent), module(module) {}
    Scope *parent;
    const Module &module;
    llvm::StringMap<Binding> names;
    Loop *loop = nullptr; ///< Set for the body of a loop.
    llvm::StringMap<unsigned> carried;

    Binding *find(llvm::StringRef name);
  };

  /// A call in progress, for notes and to find recursion.
  struct Call {
    const ast::FunctionDecl *function;
    llvm::SMLoc loc;
  };

  struct Callee {
    const ast::FunctionDecl *function = nullptr;
    const Module *module = nullptr;
  };

  // Functions (ElaborateFunction.cpp).
  void checkUncalled(const Module &module, const ast::FunctionDecl *function);
  void elaborateTyped(const ast::FunctionDecl *function, const Module &module,
                      Scope *outer, const ast::ModelDecl *model);
  void elaborateModel(const ast::ModelDecl *model, const Module &module);
  bool checkSource(const ast::ParamDecl *param);
  bool checkHeader(const ast::FunctionDecl *function);
  bool declareStatics(const ast::FunctionDecl *function, Scope &scope);
  bool declareIndices(llvm::ArrayRef<ast::Operand> typed,
                      llvm::ArrayRef<ast::IndexName> ranges,
                      llvm::ArrayRef<llvm::StringRef> owners, Scope &scope,
                      std::vector<const IndexVar *> &indices);
  Tensor *elaborateType(const ast::Name &name, const ast::Type *type,
                        Tensor::Kind kind, Scope &scope,
                        llvm::ArrayRef<llvm::StringRef> owners);
  bool checkGroups(const Function &function);
  const Extent *elaborateRange(const ast::Range *range, Scope &scope);
  const Node *toResultType(const Node *value, const Tensor *type,
                           llvm::SMRange range);
  bool checkResult(FunctionResult &result, const Scope &scope,
                   llvm::SMRange range);
  std::optional<Setting> findSetting(llvm::ArrayRef<llvm::StringRef> owners,
                                     llvm::StringRef name);
  void reportUnusedSettings();

  // Statements (ElaborateStmt.cpp).
  /// Runs `body`; for an untyped function, gives its last expression.
  bool runBody(llvm::ArrayRef<ast::Stmt *> body, Scope &scope,
               const Node **result);
  bool runLet(const ast::Stmt *stmt, Scope &scope);
  bool runFor(const ast::Stmt *stmt, Scope &scope);
  bool checkDeclaredIndices(const ast::Stmt *stmt, const Node *value,
                            Scope &scope, Binding &binding);
  Tensor *carriedTensor(Tensor::Kind kind, llvm::StringRef name,
                        const Node *like, Loop *loop, unsigned number);

  // Expressions (ElaborateExpr.cpp). All give null after an error.
  const Node *elaborate(const ast::Expr *expr, Scope &scope);
  const Node *elaborateByKind(const ast::Expr *expr, Scope &scope);
  const Node *elaborateName(const ast::NameExpr *expr, Scope &scope);
  const Node *elaborateUnary(const ast::UnaryExpr *expr, Scope &scope);
  const Node *elaborateBinary(ast::BinaryOp op, llvm::SMRange opRange,
                              const Node *lhs, llvm::SMRange lhsRange,
                              const Node *rhs, llvm::SMRange rhsRange);
  const Node *elaborateSubscript(const ast::SubscriptExpr *expr, Scope &scope);
  const Node *elaborateByName(const ast::SubscriptExpr *expr, Scope &scope);
  const Node *readBare(const Binding &binding, llvm::StringRef name,
                       llvm::SMRange range);
  const Node *constantValue(const Module &module, const ast::ConstDecl *decl);
  const Node *toReal(const Node *node, llvm::SMRange range);
  const Node *requireNumber(const Node *node, llvm::SMRange range);
  const Node *requireBool(const Node *node, llvm::SMRange range);
  const Node *requireInteger(const Node *node, llvm::SMRange range);

  // Calls (ElaborateCall.cpp).
  const Node *elaborateCall(const ast::CallExpr *call, Scope &scope);
  const Node *elaborateReduction(const ast::CallExpr *call, Scope &scope);
  const Node *elaborateBuiltin(const ast::CallExpr *call, Scope &scope);
  const Node *elaborateSize(const ast::CallExpr *call, Scope &scope);
  const Node *callFunction(const ast::CallExpr *call, Callee callee,
                           Scope &scope);
  bool bindArguments(const ast::CallExpr *call,
                     const ast::FunctionDecl *function, Scope &scope,
                     Scope &frame);
  std::optional<Callee> findFunction(const ast::NameExpr *name,
                                     const Module &module);
  bool arguments(const ast::CallExpr *call, unsigned count, Scope &scope,
                 llvm::SmallVectorImpl<const Node *> &values);

  Diagnostic &error(llvm::SMRange range, const llvm::Twine &message);

  // For the semantic index (ElaborateSemantics.cpp): a name, a name that is
  // defined elsewhere, an expression, a range, a name of a module.
  void see(llvm::SMRange range, const Binding &binding);
  void see(llvm::SMRange range, llvm::SMLoc definition, const Node *value);
  void see(llvm::SMRange range, const Node *value);
  void see(const IndexVar *index, const ast::Range *range);
  void see(const ast::NameExpr *name, const Module &module,
           llvm::SMLoc definition, const Node *value);

  const Modules &modules;
  const Module &main;
  std::vector<Setting> settings;
  std::vector<bool> usedSettings;
  Program &program;
  IndexGraph &graph;
  Diagnostics &diags;
  SemanticIndex *semantics;
  unsigned inlineDepth = 0; ///< Calls in progress that are elaborated again.
  std::vector<Call> calls;
  llvm::DenseMap<const ast::FunctionDecl *, bool> sound;
  llvm::DenseMap<const ast::ConstDecl *, const Node *> constants;
  std::vector<const ast::ConstDecl *> constantsInProgress;
  unsigned depth = 0;
  unsigned inlinedCalls = 0;
  bool inEntry = false;
  /// The indices of the loops around: each is one value, not a dimension.
  llvm::SmallVector<const IndexVar *> loopIndices;
  std::optional<DType> typeT;
};

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_ELABORATE_H
