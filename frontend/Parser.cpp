//===- Parser.cpp - Declarations and statements ---------------------------===//
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
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Tokens and recovery
//===----------------------------------------------------------------------===//

bool Parser::expect(Token::Kind kind, const Twine &where) {
  if (takeIf(kind))
    return true;
  diags.error(peek().range(), "expected " + describe(kind) + " " + where +
                                  ", but found " + peek().describe());
  return false;
}

bool Parser::expectName(Name &name, const Twine &where) {
  Token token = peek();
  if (!expect(Token::Name, where))
    return false;
  name = {token.text, token.range()};
  return true;
}

SMLoc Parser::previousEnd() const {
  return position ? stream.tokens[position - 1].range().End : peek().loc();
}

bool Parser::expectEndOfStatement(const Twine &what) {
  const Token &token = peek();
  if (token.startsLine || token.is(Token::RBrace) || token.is(Token::End))
    return true;
  diags.error(token.range(), "expected the end of the line after " + what +
                                 ", but found " + token.describe());
  return false;
}

void Parser::skipStatement(size_t start) {
  brackets = 0;
  unsigned braces = 0;
  while (true) {
    const Token &token = peek();
    bool first = position == start;
    if (token.is(Token::End) || (token.startsLine && token.startsDecl()))
      return;
    if (!braces && (token.is(Token::RBrace) || (token.startsLine && !first)))
      return;
    if (token.is(Token::LBrace))
      ++braces;
    else if (token.is(Token::RBrace))
      --braces;
    take();
  }
}

void Parser::skipDecl() {
  brackets = 0;
  while (!peek().is(Token::End) && !(peek().startsLine && peek().startsDecl()))
    take();
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

File *Parser::parseFile(StringRef buffer) {
  SmallVector<Decl *> decls;
  while (!peek().is(Token::End) && !diags.isFull()) {
    size_t before = position;
    bool ok = true;
    if (peek().is(Token::KwConst)) {
      ok = parseConsts(decls);
    } else {
      Decl *decl = parseDecl();
      if (decl)
        decls.push_back(decl);
      ok = decl != nullptr;
    }
    if (ok)
      continue;
    if (position == before)
      take();
    skipDecl();
  }
  File *file = make<File>();
  file->buffer = buffer;
  file->decls = copy(decls);
  file->comments = stream.comments;
  return file;
}

Decl *Parser::parseDecl() {
  Token token = peek();
  switch (token.kind) {
  case Token::KwUse:
    return parseUse();
  case Token::KwFn:
    take();
    return parseFunction(FunctionDecl::Fn);
  case Token::KwAttention:
    take();
    return parseFunction(FunctionDecl::Attention);
  case Token::KwModel:
    return parseModel();
  default:
    diags.error(token.range(), "expected 'attention', 'fn', 'model', 'const' "
                               "or 'use', but found " +
                                   token.describe());
    return nullptr;
  }
}

Decl *Parser::parseUse() {
  SMLoc start = take().loc();
  SmallVector<Name> path;
  do {
    Name part;
    if (!expectName(part, "after 'use'"))
      return nullptr;
    path.push_back(part);
  } while (takeIf(Token::Dot));
  if (!expectEndOfStatement("'use'"))
    return nullptr;
  auto *use = make<UseDecl>(path.back(), copy(path));
  use->range = {start, previousEnd()};
  return use;
}

bool Parser::parseConsts(SmallVectorImpl<Decl *> &decls) {
  take();
  do {
    Name name;
    if (!expectName(name, "after 'const'") ||
        !expect(Token::Assign, "after the constant's name"))
      return false;
    Expr *value = parseExpr();
    if (!value)
      return false;
    auto *decl = make<ConstDecl>(name, value);
    decl->range = {name.range.Start, value->range.End};
    decls.push_back(decl);
  } while (takeIf(Token::Comma));
  return expectEndOfStatement("the constant");
}

Decl *Parser::parseParam() {
  SMLoc start = take().loc();
  Name name;
  if (!expectName(name, "after 'param'"))
    return nullptr;
  auto *param = make<ParamDecl>(name);
  if (takeIf(Token::LBracket)) {
    Brackets inside(*this);
    SmallVector<IndexName> family;
    do {
      IndexName index;
      if (!parseIndexName(index))
        return nullptr;
      family.push_back(index);
    } while (takeIf(Token::Comma));
    if (!expect(Token::RBracket, "after the indices of the parameter"))
      return nullptr;
    param->family = copy(family);
  }
  if (!expect(Token::Colon, "before the type of the parameter") ||
      !(param->type = parseType()))
    return nullptr;
  if (takeIf(Token::Assign)) {
    Token source = peek();
    if (!expect(Token::String, "with the parameter's name in the weights "
                               "file"))
      return nullptr;
    param->source = {source.text, source.range()};
  }
  if (!expectEndOfStatement("the parameter"))
    return nullptr;
  param->range = {start, previousEnd()};
  return param;
}

Decl *Parser::parseModel() {
  SMLoc start = take().loc();
  Name name;
  if (!expectName(name, "after 'model'") ||
      !expect(Token::LBrace, "after the model's name"))
    return nullptr;
  auto *model = make<ModelDecl>(name);
  SmallVector<Decl *> members;
  while (!peek().is(Token::RBrace) && !peek().is(Token::End) &&
         !peek().startsDecl() && !diags.isFull()) {
    bool ok = true;
    size_t start = position;
    Decl *member = nullptr;
    switch (peek().kind) {
    case Token::KwConst:
      ok = parseConsts(members);
      break;
    case Token::KwParam:
      ok = (member = parseParam());
      break;
    case Token::KwEntry:
      take();
      ok = (member = parseFunction(FunctionDecl::Entry));
      break;
    case Token::KwState:
      diags.error(peek().range(), "'state' is not supported yet")
          .help("pass the state in as an operand and out as a result");
      ok = false;
      break;
    default:
      diags.error(peek().range(), "expected 'param', 'const' or 'entry' in the "
                                  "model, but found " +
                                      peek().describe());
      ok = false;
    }
    if (member)
      members.push_back(member);
    if (!ok)
      skipStatement(start);
  }
  if (peek().startsDecl())
    diags
        .error(peek().range(), "expected '}' to close the model, but found " +
                                   peek().describe())
        .help("functions are defined outside of models");
  else if (!expect(Token::RBrace, "to close the model"))
    return nullptr;
  model->members = copy(members);
  model->range = {start, previousEnd()};
  return model;
}
