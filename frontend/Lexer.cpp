//===- Lexer.cpp - From bytes to tokens -----------------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Lexer.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"

using namespace fovea::frontend;
using llvm::SMLoc;
using llvm::StringRef;

StringRef fovea::frontend::describe(Token::Kind kind) {
  switch (kind) {
  case Token::End:
    return "end of file";
  case Token::Name:
    return "a name";
  case Token::Integer:
    return "an integer";
  case Token::Real:
    return "a number";
  case Token::String:
    return "a string";
  case Token::LParen:
    return "'('";
  case Token::RParen:
    return "')'";
  case Token::LBracket:
    return "'['";
  case Token::RBracket:
    return "']'";
  case Token::LBrace:
    return "'{'";
  case Token::RBrace:
    return "'}'";
  case Token::Comma:
    return "','";
  case Token::Colon:
    return "':'";
  case Token::Dot:
    return "'.'";
  case Token::DotDot:
    return "'..'";
  case Token::Arrow:
    return "'->'";
  case Token::Assign:
    return "'='";
  case Token::Greater:
    return "'>'";
  case Token::KwIn:
    return "'in'";
  default:
    return "an operator";
  }
}

std::string Token::describe() const {
  if (kind == End)
    return "end of file";
  StringRef shown = text.take_front(40);
  return ("'" + shown + (shown.size() < text.size() ? "…'" : "'")).str();
}

llvm::ArrayRef<Keyword> fovea::frontend::keywords() {
  static constexpr Keyword table[] = {
      {"and", Token::KwAnd},     {"attention", Token::KwAttention},
      {"const", Token::KwConst}, {"entry", Token::KwEntry},
      {"false", Token::KwFalse}, {"fn", Token::KwFn},
      {"for", Token::KwFor},     {"in", Token::KwIn},
      {"model", Token::KwModel}, {"not", Token::KwNot},
      {"or", Token::KwOr},       {"over", Token::KwOver},
      {"param", Token::KwParam}, {"state", Token::KwState},
      {"true", Token::KwTrue},   {"use", Token::KwUse},
      {"where", Token::KwWhere},
  };
  return table;
}

static Token::Kind keywordOrName(StringRef text) {
  for (const Keyword &keyword : keywords())
    if (keyword.text == text)
      return keyword.kind;
  return Token::Name;
}

namespace {
bool isNameStart(char c) { return llvm::isAlpha(c) || c == '_'; }
bool isNameChar(char c) { return llvm::isAlnum(c) || c == '_'; }

/// Punctuation and operators, two characters before one.
std::pair<Token::Kind, unsigned> punctuation(StringRef rest) {
  Token::Kind two = llvm::StringSwitch<Token::Kind>(rest.take_front(2))
                        .Case("..", Token::DotDot)
                        .Case("->", Token::Arrow)
                        .Case("//", Token::SlashSlash)
                        .Case("==", Token::EqualEqual)
                        .Case("!=", Token::NotEqual)
                        .Case("<=", Token::LessEqual)
                        .Case(">=", Token::GreaterEqual)
                        .Default(Token::End);
  if (two != Token::End)
    return {two, 2};
  switch (rest.front()) {
  case '(':
    return {Token::LParen, 1};
  case ')':
    return {Token::RParen, 1};
  case '[':
    return {Token::LBracket, 1};
  case ']':
    return {Token::RBracket, 1};
  case '{':
    return {Token::LBrace, 1};
  case '}':
    return {Token::RBrace, 1};
  case ',':
    return {Token::Comma, 1};
  case ':':
    return {Token::Colon, 1};
  case '.':
    return {Token::Dot, 1};
  case '=':
    return {Token::Assign, 1};
  case '+':
    return {Token::Plus, 1};
  case '-':
    return {Token::Minus, 1};
  case '*':
    return {Token::Star, 1};
  case '/':
    return {Token::Slash, 1};
  case '%':
    return {Token::Percent, 1};
  case '^':
    return {Token::Caret, 1};
  case '<':
    return {Token::Less, 1};
  case '>':
    return {Token::Greater, 1};
  default:
    return {Token::End, 0};
  }
}

class Lexer {
public:
  Lexer(StringRef buffer, Diagnostics &diags) : rest(buffer), diags(diags) {}

  TokenStream run() {
    while (!rest.empty())
      lexOne();
    // The end lies after the last character, where an error can point.
    stream.tokens.push_back({Token::End, rest, true});
    return std::move(stream);
  }

private:
  void lexOne() {
    char c = rest.front();
    if (c == '\n') {
      startsLine = true;
      rest = rest.drop_front();
    } else if (c == ' ' || c == '\t' || c == '\r') {
      rest = rest.drop_front();
    } else if (c == '#') {
      StringRef text = rest.take_until([](char c) { return c == '\n'; });
      rest = rest.drop_front(text.size());
      stream.comments.push_back({text.rtrim(), startsLine});
    } else if (isNameStart(c)) {
      size_t size = rest.take_while(isNameChar).size();
      push(keywordOrName(rest.take_front(size)), size);
    } else if (llvm::isDigit(c)) {
      lexNumber();
    } else if (c == '"') {
      lexString();
    } else if (auto [kind, size] = punctuation(rest); size) {
      push(kind, size);
    } else {
      lexUnknown();
    }
  }

  void push(Token::Kind kind, size_t size) {
    stream.tokens.push_back({kind, rest.take_front(size), startsLine});
    startsLine = false;
    rest = rest.drop_front(size);
  }

  void lexNumber() {
    auto digitsFrom = [&](size_t at) {
      return rest.substr(at).take_while(llvm::isDigit).size();
    };
    size_t size = digitsFrom(0);
    Token::Kind kind = Token::Integer;
    // `0..16` is a range: a second dot ends the number before the first.
    if (rest.substr(size).starts_with(".") &&
        !rest.substr(size).starts_with("..")) {
      kind = Token::Real;
      size += 1 + digitsFrom(size + 1);
    }
    if (StringRef tail = rest.substr(size);
        tail.starts_with("e") || tail.starts_with("E")) {
      size_t sign = tail.substr(1, 1).find_first_of("+-") == 0 ? 1 : 0;
      if (size_t digits = digitsFrom(size + 1 + sign)) {
        kind = Token::Real;
        size += 1 + sign + digits;
      }
    }
    size_t junk = 0;
    if (size < rest.size() && isNameStart(rest[size])) {
      junk = rest.substr(size).take_while(isNameChar).size();
      diags.error(SMLoc::getFromPointer(rest.data() + size),
                  "expected an operator between the number '" +
                      rest.take_front(std::min<size_t>(size, 40)) +
                      "' and the name that follows it");
    }
    push(kind, size);
    rest = rest.drop_front(junk);
  }

  void lexString() {
    StringRef body = rest.drop_front().take_until(
        [](char c) { return c == '"' || c == '\n'; });
    bool closed = rest.substr(1 + body.size()).starts_with("\"");
    if (!closed)
      diags.error(SMLoc::getFromPointer(rest.data()),
                  "expected '\"' at the end of the string, but found the end "
                  "of the line");
    push(Token::String, 1 + body.size() + closed);
  }

  /// Reports one run of characters that start no token, and skips it.
  void lexUnknown() {
    StringRef run = rest.take_until([](char c) {
      return llvm::isSpace(c) || isNameChar(c) || c == '#' || c == '"' ||
             punctuation(StringRef(&c, 1)).second;
    });
    size_t size = std::max<size_t>(run.size(), 1);
    std::string shown;
    if (static_cast<unsigned char>(rest.front()) < 0x80)
      shown = llvm::isPrint(rest.front())
                  ? std::string("'") + rest.front() + "'"
                  : "byte 0x" + llvm::utohexstr(
                                    static_cast<unsigned char>(rest.front()));
    else
      shown = "a character outside of ASCII";
    diags.error(SMLoc::getFromPointer(rest.data()),
                "expected a name, a number or an operator, but found " + shown);
    rest = rest.drop_front(size);
  }

  StringRef rest;
  Diagnostics &diags;
  TokenStream stream;
  bool startsLine = true;
};
} // namespace

TokenStream fovea::frontend::lex(StringRef buffer, Diagnostics &diags) {
  return Lexer(buffer, diags).run();
}
