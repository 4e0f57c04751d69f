//===- ParseStmt.cpp - Blocks, lets and loops ----------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Parser.h"
#include "llvm/ADT/SmallVector.h"

using namespace fovea::frontend;
using namespace fovea::frontend::ast;
using llvm::SmallVector;
using llvm::SMLoc;

bool Parser::parseBlock(ArrayRef<Stmt *> &body) {
  Nest nest(*this);
  if (!nest.ok || !expect(Token::LBrace, "before the block"))
    return false;
  unsigned outerBrackets = std::exchange(brackets, 0);
  SmallVector<Stmt *> stmts;
  while (!peek().is(Token::RBrace) && !peek().is(Token::End) &&
         !(peek().startsLine && peek().startsDecl()) && !diags.isFull()) {
    size_t start = position;
    if (Stmt *stmt = parseStmt())
      stmts.push_back(stmt);
    else
      skipStatement(start);
  }
  brackets = outerBrackets;
  if (!expect(Token::RBrace, "to close the block"))
    return false;
  body = copy(stmts);
  return true;
}

Stmt *Parser::parseFor() {
  SMLoc start = take().loc();
  Stmt *loop = make<Stmt>();
  loop->kind = Stmt::ForKind;
  if (!parseIndexName(loop->loop))
    return nullptr;
  if (!loop->loop.in) {
    diags.error(peek().range(), "expected 'in' and a range after the loop "
                                "index '" +
                                    loop->loop.name.text + "', but found " +
                                    peek().describe());
    return nullptr;
  }
  if (!parseBlock(loop->body))
    return nullptr;
  loop->range = {start, previousEnd()};
  return loop;
}

Stmt *Parser::parseStmt() {
  if (peek().is(Token::KwFor))
    return parseFor();
  Expr *value = parseExpr();
  if (!value)
    return nullptr;
  Stmt *stmt = make<Stmt>();
  stmt->kind = Stmt::ResultKind;
  stmt->value = value;
  SMLoc start = value->range.Start;
  if (continues() && peek().is(Token::Assign)) {
    // What was read is a target: `x`, or `s[b, i, j]` with its indices.
    take();
    stmt->kind = Stmt::LetKind;
    auto *name = llvm::dyn_cast<NameExpr>(value);
    if (auto *declared = llvm::dyn_cast<SubscriptExpr>(value)) {
      name = llvm::dyn_cast<NameExpr>(declared->base);
      stmt->declaresIndices = true;
      SmallVector<Name> indices;
      for (const Argument &argument : declared->arguments) {
        auto *index = llvm::dyn_cast<NameExpr>(argument.value);
        if (!index || !argument.name.text.empty() ||
            !index->qualifier.empty()) {
          diags.error(argument.value->range,
                      "expected index names to the left of '='");
          return nullptr;
        }
        indices.push_back({index->name, index->range});
      }
      stmt->indices = copy(indices);
    }
    if (!name || !name->qualifier.empty()) {
      diags.error(value->range, "expected a name to the left of '='");
      return nullptr;
    }
    stmt->name = {name->name, name->range};
    if (!(stmt->value = parseExpr()))
      return nullptr;
  }
  stmt->range = {start, previousEnd()};
  if (!expectEndOfStatement("the statement"))
    return nullptr;
  return stmt;
}
