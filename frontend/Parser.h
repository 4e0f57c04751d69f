//===- Parser.h - From tokens to the AST ------------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Declarations and statements by recursive descent with two tokens of
// lookahead, expressions by precedence climbing. After an error the parser
// goes on at the next statement or declaration, so one run reports several.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_PARSER_H
#define FOVEA_FRONTEND_PARSER_H

#include "frontend/AST.h"

namespace fovea::frontend {

/// How deep expressions and blocks may nest. A chain `a + b + …` of any length
/// is one level; each bracket, unary operator, power and subscript is one.
constexpr unsigned maxNesting = 256;

class Parser {
public:
  Parser(TokenStream &stream, llvm::BumpPtrAllocator &arena, Diagnostics &diags)
      : stream(stream), arena(arena), diags(diags) {}

  /// Parses a whole file. Always returns what could be read; whether it is all
  /// right is in the diagnostics.
  ast::File *parseFile(llvm::StringRef buffer);

private:
  // Declarations (Parser.cpp, ParseFunction.cpp).
  ast::Decl *parseDecl();
  ast::Decl *parseUse();
  bool parseConsts(llvm::SmallVectorImpl<ast::Decl *> &decls);
  ast::Decl *parseParam();
  ast::Decl *parseModel();
  ast::FunctionDecl *parseFunction(ast::FunctionDecl::Role role);
  bool parseFunctionBody(ast::FunctionDecl *function);
  bool parseStatics(ast::FunctionDecl *function);
  bool parseOperands(llvm::SmallVectorImpl<ast::Operand> &operands);
  bool parseOperand(ast::Operand &operand);
  bool parseResults(ast::FunctionDecl *function);
  bool parseOver(ast::FunctionDecl *function);
  ast::Type *parseType();
  bool parseDim(ast::Dim &dim);
  bool parseDimPart(ast::DimPart &part);
  bool parseIndexName(ast::IndexName &index);
  ast::Range *parseRange();

  // Statements (ParseStmt.cpp).
  bool parseBlock(llvm::ArrayRef<ast::Stmt *> &body);
  ast::Stmt *parseStmt();
  ast::Stmt *parseFor();

  // Expressions (ParseExpr.cpp). All return null after an error.
  ast::Expr *parseExpr(unsigned minPrecedence = 0);
  ast::Expr *parseOperandOf(unsigned precedence);
  ast::Expr *parseChain(ast::Expr *first, unsigned precedence);
  ast::Expr *parseUnary();
  ast::Expr *parsePower();
  ast::Expr *parsePostfix();
  ast::Expr *parsePrimary();
  ast::Expr *parseCall(ast::NameExpr *callee, ast::CallExpr *call);
  ast::Expr *parseBracket(ast::Expr *base);
  bool parseStaticArguments(ast::CallExpr *call);

  // Tokens.
  const Token &peek(unsigned ahead = 0) const {
    size_t at = std::min(position + ahead, stream.tokens.size() - 1);
    return stream.tokens[at];
  }
  Token take() {
    Token token = peek();
    if (position + 1 < stream.tokens.size())
      ++position;
    return token;
  }
  bool takeIf(Token::Kind kind) {
    if (!peek().is(kind))
      return false;
    take();
    return true;
  }
  /// Takes a token of `kind`, or reports that `where` expects it.
  bool expect(Token::Kind kind, const llvm::Twine &where);
  bool expectName(ast::Name &name, const llvm::Twine &where);
  /// True when the current token belongs to the statement in progress.
  bool continues() const { return brackets > 0 || !peek().startsLine; }
  /// Reports unless a statement may end here.
  bool expectEndOfStatement(const llvm::Twine &what);

  /// Skips to the next line of the enclosing block, for recovery from an error
  /// in the statement that starts at token `start`.
  void skipStatement(size_t start);
  /// Skips to the next line that starts a top-level declaration.
  void skipDecl();

  void reportNesting();
  llvm::SMLoc previousEnd() const;

  template <typename T, typename... Args>
  T *make(Args &&...args) {
    return new (arena.Allocate<T>()) T(std::forward<Args>(args)...);
  }
  template <typename T>
  llvm::ArrayRef<T> copy(const llvm::SmallVectorImpl<T> &items) {
    if (items.empty())
      return {};
    T *memory = arena.Allocate<T>(items.size());
    std::uninitialized_copy(items.begin(), items.end(), memory);
    return {memory, items.size()};
  }

  /// One level of nesting; `ok` is false, after a report, beyond the limit.
  struct Nest {
    explicit Nest(Parser &parser);
    ~Nest() { --parser.nesting; }
    Parser &parser;
    bool ok;
  };
  /// Inside brackets a line's end does not end a statement.
  struct Brackets {
    explicit Brackets(Parser &parser) : parser(parser) { ++parser.brackets; }
    ~Brackets() { --parser.brackets; }
    Parser &parser;
  };

  TokenStream &stream;
  llvm::BumpPtrAllocator &arena;
  Diagnostics &diags;
  size_t position = 0;
  unsigned nesting = 0;
  unsigned brackets = 0;
};

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_PARSER_H
