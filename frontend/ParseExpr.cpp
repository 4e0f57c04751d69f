//===- ParseExpr.cpp - Expressions by precedence climbing -----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Parser.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>

using namespace fovea::frontend;
using namespace fovea::frontend::ast;
using llvm::SmallVector;
using llvm::SMLoc;

namespace {
/// Precedences of the binary operators, weakest first. `not` lies between
/// `and` and the comparisons; unary minus between the products and `^`.
enum Precedence : unsigned {
  OrPrecedence,
  AndPrecedence,
  NotPrecedence,
  ComparePrecedence,
  SumPrecedence,
  ProductPrecedence,
  UnaryPrecedence,
};

struct Operator {
  BinaryOp op;
  unsigned precedence;
};

std::optional<Operator> binaryOperator(Token::Kind kind) {
  switch (kind) {
  case Token::KwOr:
    return Operator{BinaryOp::Or, OrPrecedence};
  case Token::KwAnd:
    return Operator{BinaryOp::And, AndPrecedence};
  case Token::EqualEqual:
    return Operator{BinaryOp::Equal, ComparePrecedence};
  case Token::NotEqual:
    return Operator{BinaryOp::NotEqual, ComparePrecedence};
  case Token::Less:
    return Operator{BinaryOp::Less, ComparePrecedence};
  case Token::LessEqual:
    return Operator{BinaryOp::LessEqual, ComparePrecedence};
  case Token::Greater:
    return Operator{BinaryOp::Greater, ComparePrecedence};
  case Token::GreaterEqual:
    return Operator{BinaryOp::GreaterEqual, ComparePrecedence};
  case Token::Plus:
    return Operator{BinaryOp::Add, SumPrecedence};
  case Token::Minus:
    return Operator{BinaryOp::Subtract, SumPrecedence};
  case Token::Star:
    return Operator{BinaryOp::Multiply, ProductPrecedence};
  case Token::Slash:
    return Operator{BinaryOp::Divide, ProductPrecedence};
  case Token::SlashSlash:
    return Operator{BinaryOp::FloorDivide, ProductPrecedence};
  case Token::Percent:
    return Operator{BinaryOp::Modulo, ProductPrecedence};
  default:
    return std::nullopt;
  }
}
} // namespace

Parser::Nest::Nest(Parser &parser) : parser(parser) {
  ok = ++parser.nesting <= maxNesting;
  if (!ok)
    parser.reportNesting();
}

void Parser::reportNesting() {
  diags
      .error(peek().range(), "expression nests deeper than " +
                                 llvm::Twine(maxNesting) + " levels")
      .help("give a part of it a name on a line of its own");
}

Expr *Parser::parseExpr(unsigned minPrecedence) {
  Nest nest(*this);
  if (!nest.ok)
    return nullptr;
  Expr *lhs = nullptr;
  if (peek().is(Token::KwNot)) {
    Token op = take();
    Expr *operand = parseExpr(ComparePrecedence);
    if (!operand)
      return nullptr;
    lhs = make<UnaryExpr>(SMRange(op.loc(), operand->range.End), UnaryOp::Not,
                          operand);
  } else {
    lhs = parseUnary();
  }
  // Climb from the tightest operator that follows to the weakest allowed.
  while (lhs && continues()) {
    std::optional<Operator> next = binaryOperator(peek().kind);
    if (!next || next->precedence < minPrecedence)
      break;
    lhs = parseChain(lhs, next->precedence);
  }
  return lhs;
}

/// Parses `op operand op operand …` at one precedence after `first`.
Expr *Parser::parseChain(Expr *first, unsigned precedence) {
  SmallVector<ChainExpr::Link> links;
  while (continues()) {
    std::optional<Operator> next = binaryOperator(peek().kind);
    if (!next || next->precedence != precedence)
      break;
    Token op = take();
    Expr *operand = parseOperandOf(precedence);
    if (!operand)
      return nullptr;
    links.push_back({next->op, op.range(), operand});
    if (precedence != ComparePrecedence)
      continue;
    auto *compare =
        make<BinaryExpr>(SMRange(first->range.Start, operand->range.End),
                         next->op, op.range(), first, operand);
    next = continues() ? binaryOperator(peek().kind) : std::nullopt;
    if (!next || next->precedence != ComparePrecedence)
      return compare;
    diags.error(peek().range(), "comparisons do not chain")
        .help("write 'a < b and b < c'");
    return nullptr;
  }
  SMRange range(first->range.Start, links.back().operand->range.End);
  return make<ChainExpr>(range, first, copy(links));
}

/// The right operand of an operator: all that binds tighter than it. It may
/// stand on the next line.
Expr *Parser::parseOperandOf(unsigned precedence) {
  Expr *operand = precedence == ProductPrecedence ? parseUnary()
                                                  : parseExpr(precedence + 1);
  return operand;
}

Expr *Parser::parseUnary() {
  if (!peek().is(Token::Minus))
    return parsePower();
  Nest nest(*this);
  if (!nest.ok)
    return nullptr;
  Token op = take();
  Expr *operand = parseUnary();
  if (!operand)
    return nullptr;
  return make<UnaryExpr>(SMRange(op.loc(), operand->range.End), UnaryOp::Negate,
                         operand);
}

/// `a ^ b`, to the right, tighter than the minus before it: `-a ^ -b ^ c`.
Expr *Parser::parsePower() {
  Expr *base = parsePostfix();
  if (!base || !continues() || !peek().is(Token::Caret))
    return base;
  Nest nest(*this);
  if (!nest.ok)
    return nullptr;
  Token op = take();
  Expr *exponent = parseUnary();
  if (!exponent)
    return nullptr;
  return make<BinaryExpr>(SMRange(base->range.Start, exponent->range.End),
                          BinaryOp::Power, op.range(), base, exponent);
}

Expr *Parser::parsePostfix() {
  Expr *expr = parsePrimary();
  unsigned levels = 0;
  while (expr && continues() && peek().is(Token::LBracket)) {
    // Each subscript wraps the last, so that later walks go one deeper.
    if (nesting + ++levels > maxNesting) {
      reportNesting();
      return nullptr;
    }
    expr = parseBracket(expr);
  }
  return expr;
}

/// `[…]` after `base`: the indices of a call when `(` follows, otherwise a
/// subscript by position or by name.
Expr *Parser::parseBracket(Expr *base) {
  Nest nest(*this);
  if (!nest.ok)
    return nullptr;
  take();
  SmallVector<Argument> arguments;
  SmallVector<IndexName> indices;
  bool onlyNames = true;
  SMLoc rangeLoc;
  {
    Brackets inside(*this);
    while (!peek().is(Token::RBracket)) {
      Argument argument;
      IndexName index;
      if (peek().is(Token::Name) && peek(1).is(Token::Assign)) {
        Token name = take();
        argument.name = {name.text, name.range()};
        take();
        onlyNames = false;
        if (!(argument.value = parseExpr()))
          return nullptr;
      } else {
        if (!(argument.value = parseExpr()))
          return nullptr;
        auto *name = llvm::dyn_cast<NameExpr>(argument.value);
        if (!name || !name->qualifier.empty())
          onlyNames = false;
        else
          index.name = {name->name, name->range};
        if (peek().is(Token::KwIn)) {
          rangeLoc = take().loc();
          if (!(index.in = parseRange()))
            return nullptr;
        }
      }
      arguments.push_back(argument);
      indices.push_back(index);
      if (!takeIf(Token::Comma))
        break;
    }
    if (!expect(Token::RBracket, "after the indices"))
      return nullptr;
  }
  auto *callee = llvm::dyn_cast<NameExpr>(base);
  if (callee && continues() && peek().is(Token::LParen)) {
    if (!onlyNames) {
      diags.error(callee->range, "expected index names between the brackets "
                                 "of the call of '" +
                                     callee->name + "'");
      return nullptr;
    }
    auto *call = make<CallExpr>(callee->range, callee);
    call->indices = copy(indices);
    call->hasIndices = true;
    return parseCall(callee, call);
  }
  if (rangeLoc.isValid()) {
    diags.error(rangeLoc, "expected ',' or ']', but found 'in'")
        .help("only a reduction or a call gives an index its range in "
              "brackets");
    return nullptr;
  }
  for (const Argument &argument : arguments) {
    if (argument.name.text.empty() == arguments.front().name.text.empty())
      continue;
    diags.error(argument.value->range,
                "expected all subscripts by position or all by name");
    return nullptr;
  }
  return make<SubscriptExpr>(SMRange(base->range.Start, previousEnd()), base,
                             copy(arguments));
}

/// `(arguments where condition)`, the current token being `(`.
Expr *Parser::parseCall(NameExpr *callee, CallExpr *call) {
  Nest nest(*this);
  if (!nest.ok)
    return nullptr;
  take();
  SmallVector<Argument> arguments;
  {
    Brackets inside(*this);
    while (!peek().is(Token::RParen)) {
      Argument argument;
      if (peek().is(Token::Name) && peek(1).is(Token::Assign)) {
        Token name = take();
        argument.name = {name.text, name.range()};
        take();
      }
      if (!(argument.value = parseExpr()))
        return nullptr;
      arguments.push_back(argument);
      if (takeIf(Token::KwWhere)) {
        if (!(call->where = parseExpr()))
          return nullptr;
        if (peek().is(Token::KwWhere)) {
          diags
              .error(peek().range(), "expected one 'where' in a reduction, "
                                     "but found a second")
              .help("join the conditions with 'and'");
          return nullptr;
        }
        break;
      }
      if (!takeIf(Token::Comma))
        break;
    }
    if (!expect(Token::RParen, "after the arguments of '" + callee->name + "'"))
      return nullptr;
  }
  call->arguments = copy(arguments);
  call->range = SMRange(callee->range.Start, previousEnd());
  return call;
}

/// `<M = 7, N = 2>`, the current token being `<`.
bool Parser::parseStaticArguments(CallExpr *call) {
  take();
  SmallVector<Argument> statics;
  do {
    Argument argument;
    if (!expectName(argument.name, "among the compile-time arguments") ||
        !expect(Token::Assign, "after its name") ||
        !(argument.value = parseOperandOf(ComparePrecedence)))
      return false;
    statics.push_back(argument);
  } while (takeIf(Token::Comma));
  call->statics = copy(statics);
  return expect(Token::Greater, "after the compile-time arguments");
}

Expr *Parser::parsePrimary() {
  Token token = peek();
  switch (token.kind) {
  case Token::Integer: {
    take();
    int64_t value = 0;
    if (token.text.getAsInteger(10, value))
      diags.error(token.range(), "integer does not fit 64 bits");
    return make<IntegerExpr>(token.range(), value);
  }
  case Token::Real: {
    take();
    double value = 0;
    if (token.text.getAsDouble(value) || std::isinf(value))
      diags.error(token.range(), "number does not fit a 64-bit real");
    return make<RealExpr>(token.range(), value);
  }
  case Token::KwTrue:
  case Token::KwFalse:
    take();
    return make<BoolExpr>(token.range(), token.is(Token::KwTrue));
  case Token::LParen: {
    take();
    Brackets inside(*this);
    Expr *inner = parseExpr();
    if (!inner || !expect(Token::RParen, "to close the parenthesis"))
      return nullptr;
    return inner;
  }
  case Token::Name: {
    take();
    NameExpr *name = nullptr;
    if (peek().is(Token::Dot) && peek(1).is(Token::Name)) {
      take();
      Token member = take();
      name = make<NameExpr>(SMRange(token.loc(), member.range().End),
                            token.text, member.text);
    } else {
      name = make<NameExpr>(token.range(), llvm::StringRef(), token.text);
    }
    if (!continues())
      return name;
    // `f<M = 7>(…)`: no expression has a name and `=` after `<`.
    if (peek().is(Token::Less) && peek(1).is(Token::Name) &&
        peek(2).is(Token::Assign)) {
      auto *call = make<CallExpr>(name->range, name);
      if (!parseStaticArguments(call))
        return nullptr;
      if (peek().is(Token::LBracket)) {
        take();
        Brackets inside(*this);
        SmallVector<IndexName> indices;
        while (!peek().is(Token::RBracket)) {
          IndexName index;
          if (!parseIndexName(index))
            return nullptr;
          indices.push_back(index);
          if (!takeIf(Token::Comma))
            break;
        }
        if (!expect(Token::RBracket, "after the indices"))
          return nullptr;
        call->indices = copy(indices);
        call->hasIndices = true;
      }
      if (!peek().is(Token::LParen)) {
        expect(Token::LParen, "after the compile-time arguments");
        return nullptr;
      }
      return parseCall(name, call);
    }
    if (peek().is(Token::LParen))
      return parseCall(name, make<CallExpr>(name->range, name));
    return name;
  }
  default:
    // Point where the expression is missing, not at the next line.
    diags.error(token.startsLine ? SMRange(previousEnd(), previousEnd())
                                 : token.range(),
                "expected an expression, but found " + token.describe());
    return nullptr;
  }
}
