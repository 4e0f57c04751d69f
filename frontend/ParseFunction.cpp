//===- ParseFunction.cpp - Headers, types and ranges ---------------------===//
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
using llvm::SmallVectorImpl;
using llvm::SMLoc;

FunctionDecl *Parser::parseFunction(FunctionDecl::Role role) {
  SMLoc start = previousEnd();
  Name name;
  StringRef word = role == FunctionDecl::Fn          ? "fn"
                   : role == FunctionDecl::Attention ? "attention"
                                                     : "entry";
  if (!expectName(name, "after '" + word + "'"))
    return nullptr;
  auto *function = make<FunctionDecl>(role, name);
  if (peek().is(Token::Less) && !parseStatics(function))
    return nullptr;
  if (peek().is(Token::LBracket)) {
    take();
    Brackets inside(*this);
    SmallVector<Name> indices;
    while (!peek().is(Token::RBracket)) {
      Name index;
      if (!expectName(index, "among the index parameters"))
        return nullptr;
      indices.push_back(index);
      if (!takeIf(Token::Comma))
        break;
    }
    if (!expect(Token::RBracket, "after the index parameters"))
      return nullptr;
    function->indices = copy(indices);
  }
  SmallVector<Operand> operands;
  if (!parseOperands(operands))
    return nullptr;
  function->operands = copy(operands);
  // The header may go on in the next line with '->' and 'over'.
  if (peek().is(Token::Arrow) && !parseResults(function))
    return nullptr;
  if (peek().is(Token::KwOver) && !parseOver(function))
    return nullptr;
  if (!parseFunctionBody(function))
    return nullptr;
  function->range = {start, previousEnd()};
  return function;
}

bool Parser::parseFunctionBody(FunctionDecl *function) {
  if (peek().is(Token::LBrace))
    return parseBlock(function->body);
  if (function->isTyped() || !takeIf(Token::Assign)) {
    diags.error(peek().range(), "expected '{' before the body of '" +
                                    function->name.text + "', but found " +
                                    peek().describe());
    return false;
  }
  Expr *value = parseExpr();
  if (!value || !expectEndOfStatement("the body"))
    return false;
  Stmt *result = make<Stmt>();
  result->kind = Stmt::ResultKind;
  result->range = value->range;
  result->value = value;
  SmallVector<Stmt *> body{result};
  function->body = copy(body);
  return true;
}

bool Parser::parseStatics(FunctionDecl *function) {
  take();
  SmallVector<Name> statics;
  do {
    Name name, type;
    if (!expectName(name, "among the compile-time parameters") ||
        !expect(Token::Colon, "after the compile-time parameter") ||
        !expectName(type, "as its type"))
      return false;
    if (type.text != "int") {
      diags.error(type.range, "expected 'int' as the type of a compile-time "
                              "parameter, but found '" +
                                  type.text + "'");
      return false;
    }
    statics.push_back(name);
  } while (takeIf(Token::Comma));
  function->statics = copy(statics);
  return expect(Token::Greater, "after the compile-time parameters");
}

bool Parser::parseOperands(SmallVectorImpl<Operand> &operands) {
  if (!expect(Token::LParen, "before the operands"))
    return false;
  Brackets inside(*this);
  while (!peek().is(Token::RParen)) {
    Operand operand;
    if (!parseOperand(operand))
      return false;
    operands.push_back(operand);
    if (!takeIf(Token::Comma))
      break;
  }
  return expect(Token::RParen, "after the operands");
}

bool Parser::parseOperand(Operand &operand) {
  if (!expectName(operand.name, "of an operand"))
    return false;
  if (takeIf(Token::Colon) && !(operand.type = parseType()))
    return false;
  if (takeIf(Token::Assign) && !(operand.defaultValue = parseExpr()))
    return false;
  return true;
}

bool Parser::parseResults(FunctionDecl *function) {
  take();
  SmallVector<Operand> results;
  bool several = peek().is(Token::LParen);
  if (several) {
    if (!parseOperands(results))
      return false;
  } else {
    Operand result;
    if (!parseOperand(result))
      return false;
    results.push_back(result);
  }
  for (Operand &result : results) {
    if (result.type && !result.defaultValue)
      continue;
    diags.error(result.name.range,
                "expected a type for the result '" + result.name.text + "'");
    return false;
  }
  if (results.empty()) {
    diags.error(peek().range(), "expected at least one result after '->'");
    return false;
  }
  function->results = copy(results);
  return true;
}

bool Parser::parseOver(FunctionDecl *function) {
  take();
  SmallVector<IndexName> over;
  do {
    IndexName index;
    if (!parseIndexName(index))
      return false;
    if (!index.in) {
      diags
          .error(index.name.range,
                 "expected a range for '" + index.name.text + "' after 'over'")
          .help("write 'over " + index.name.text + " in 0..size'");
      return false;
    }
    over.push_back(index);
  } while (takeIf(Token::Comma));
  function->over = copy(over);
  return true;
}

Type *Parser::parseType() {
  SMLoc start = peek().loc();
  Name element;
  bool sorted = false;
  if (peek().is(Token::Name) && peek().text == "sorted" &&
      peek(1).is(Token::Name)) {
    take();
    sorted = true;
  }
  if (!expectName(element, "of an element type"))
    return nullptr;
  Type *type = make<Type>();
  type->element = element;
  type->sorted = sorted;
  if (continues() && takeIf(Token::LBracket)) {
    Brackets inside(*this);
    SmallVector<Dim> dims;
    while (!peek().is(Token::RBracket)) {
      Dim dim;
      if (!parseDim(dim))
        return nullptr;
      dims.push_back(dim);
      if (!takeIf(Token::Comma))
        break;
    }
    if (!expect(Token::RBracket, "after the dimensions"))
      return nullptr;
    type->dims = copy(dims);
  }
  type->range = {start, previousEnd()};
  return type;
}

bool Parser::parseDim(Dim &dim) {
  SMLoc start = peek().loc();
  SmallVector<DimPart> parts;
  if (takeIf(Token::LParen)) {
    do {
      DimPart part;
      if (!parseDimPart(part))
        return false;
      parts.push_back(part);
    } while (takeIf(Token::Comma));
    if (!expect(Token::RParen, "after the group of indices"))
      return false;
  } else {
    DimPart part;
    if (!parseDimPart(part))
      return false;
    parts.push_back(part);
  }
  dim.parts = copy(parts);
  dim.range = {start, previousEnd()};
  return true;
}

bool Parser::parseDimPart(DimPart &part) {
  SMLoc start = peek().loc();
  // A name alone, or with its range, is an index; anything else a size.
  const Token &next = peek(1);
  if (peek().is(Token::Name) &&
      (next.is(Token::KwIn) || next.is(Token::Comma) ||
       next.is(Token::RBracket) || next.is(Token::RParen))) {
    if (!parseIndexName(part.index))
      return false;
  } else if (!(part.size = parseExpr())) {
    return false;
  }
  part.range = {start, previousEnd()};
  return true;
}

bool Parser::parseIndexName(IndexName &index) {
  if (!expectName(index.name, "of an index"))
    return false;
  if (!takeIf(Token::KwIn))
    return true;
  return (index.in = parseRange()) != nullptr;
}

Range *Parser::parseRange() {
  Expr *begin = parseExpr();
  if (!begin || !expect(Token::DotDot, "in the range"))
    return nullptr;
  Expr *end = parseExpr();
  if (!end)
    return nullptr;
  Range *range = make<Range>();
  *range = {SMRange(begin->range.Start, end->range.End), begin, end};
  return range;
}
