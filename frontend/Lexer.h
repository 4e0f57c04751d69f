//===- Lexer.h - From bytes to tokens ---------------------------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_LEXER_H
#define FOVEA_FRONTEND_LEXER_H

#include "frontend/Diagnostics.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <vector>

namespace fovea::frontend {

struct Token {
  enum Kind {
    End,
    Name,
    Integer,
    Real,
    String,
    // Punctuation.
    LParen,
    RParen,
    LBracket,
    RBracket,
    LBrace,
    RBrace,
    Comma,
    Colon,
    Dot,
    DotDot,
    Arrow,
    Assign,
    // Operators.
    Plus,
    Minus,
    Star,
    Slash,
    SlashSlash,
    Percent,
    Caret,
    EqualEqual,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    // Keywords.
    KwAnd,
    KwAttention,
    KwConst,
    KwEntry,
    KwFalse,
    KwFn,
    KwFor,
    KwIn,
    KwModel,
    KwNot,
    KwOr,
    KwOver,
    KwParam,
    KwState,
    KwTrue,
    KwUse,
    KwWhere,
  };

  Kind kind = End;
  llvm::StringRef text;
  /// True for the first token of a line. A statement ends with its line, and
  /// the parser, which knows whether it is inside brackets, decides by this.
  bool startsLine = false;

  bool is(Kind other) const { return kind == other; }
  /// True for the words that start a declaration of a file, and nothing else.
  bool startsDecl() const {
    return is(KwUse) || is(KwFn) || is(KwAttention) || is(KwModel);
  }
  llvm::SMLoc loc() const { return llvm::SMLoc::getFromPointer(text.data()); }
  llvm::SMRange range() const {
    return {loc(), llvm::SMLoc::getFromPointer(text.data() + text.size())};
  }
  /// The token as an error message names it: `'softmax'`, `end of file`.
  std::string describe() const;
};

/// A `#` comment, kept for the formatter. `text` starts at the `#`.
struct Comment {
  llvm::StringRef text;
  bool startsLine = false;
};

/// The tokens of one buffer, ending in `Token::End`, and its comments.
struct TokenStream {
  std::vector<Token> tokens;
  std::vector<Comment> comments;
};

/// How an error message spells a kind of token: `'('`, `a name`.
llvm::StringRef describe(Token::Kind kind);

/// The words that are never names.
struct Keyword {
  llvm::StringRef text;
  Token::Kind kind;
};
llvm::ArrayRef<Keyword> keywords();

/// Splits `buffer` into tokens. Characters that start no token are reported
/// (a run of them once) and skipped, so that parsing goes on.
TokenStream lex(llvm::StringRef buffer, Diagnostics &diags);

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_LEXER_H
