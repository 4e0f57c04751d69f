//===- Format.cpp - One layout for every program --------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The formatter works on tokens, not on the tree: what it cannot name it still
// prints, so no construct of the language can be lost by it.
//
//===----------------------------------------------------------------------===//

#include "frontend/Format.h"
#include "frontend/Parser.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/raw_ostream.h"

using namespace fovea::frontend;
using llvm::SmallVector;
using llvm::StringRef;

namespace {
constexpr unsigned blockIndent = 2;
constexpr unsigned continuationIndent = 4;

/// Columns that `text` takes: continuation bytes of UTF-8 take none.
size_t width(StringRef text) {
  return llvm::count_if(text, [](char c) { return (c & 0xC0) != 0x80; });
}

/// A token or a comment, with what the spacing rules need to know of it.
struct Item {
  Token token;
  bool isComment = false;
  bool isUnary = false;         ///< A minus before its only operand.
  bool isStaticBracket = false; ///< `<` or `>` around compile-time values.
  bool isTightPower = false;    ///< The `^` of `x^2`.
};

struct Line {
  std::string text;
  std::string comment; ///< Trailing; laid out when all lines are known.
  bool blankBefore = false;
  /// Where the `=` of the line's statement is, in the source and in `text`.
  size_t sourceAssign = 0, assign = 0;
};

bool isOpening(Token::Kind kind) {
  return kind == Token::LParen || kind == Token::LBracket ||
         kind == Token::LBrace;
}

bool isClosing(Token::Kind kind) {
  return kind == Token::RParen || kind == Token::RBracket ||
         kind == Token::RBrace;
}

bool isOperator(Token::Kind kind) {
  switch (kind) {
  case Token::Arrow:
  case Token::Assign:
  case Token::Plus:
  case Token::Minus:
  case Token::Star:
  case Token::Slash:
  case Token::SlashSlash:
  case Token::Percent:
  case Token::Caret:
  case Token::EqualEqual:
  case Token::NotEqual:
  case Token::Less:
  case Token::LessEqual:
  case Token::Greater:
  case Token::GreaterEqual:
  case Token::KwAnd:
  case Token::KwOr:
  case Token::KwNot:
    return true;
  default:
    return false;
  }
}

/// True when an expression may end with `item`, so that a minus after it is
/// binary and a bracket after it belongs to it.
bool endsOperand(const Item &item) {
  switch (item.token.kind) {
  case Token::Name:
  case Token::Integer:
  case Token::Real:
  case Token::String:
  case Token::RParen:
  case Token::RBracket:
  case Token::KwTrue:
  case Token::KwFalse:
    return true;
  default:
    return item.isStaticBracket && item.token.is(Token::Greater);
  }
}

class Formatter {
public:
  explicit Formatter(const TokenStream &stream) { collect(stream); }

  std::string run() {
    for (size_t i = 0; i < items.size();) {
      size_t end = i + 1;
      while (end < items.size() && !items[end].token.startsLine)
        ++end;
      layOutLine(i, end);
      i = end;
    }
    alignAssignments();
    return print();
  }

private:
  /// Merges tokens and comments in the order of the source.
  void collect(const TokenStream &stream) {
    auto comment = stream.comments.begin();
    auto takeCommentsBefore = [&](const char *end) {
      for (; comment != stream.comments.end() && comment->text.data() < end;
           ++comment)
        items.push_back(
            {{Token::End, comment->text, comment->startsLine}, true});
    };
    for (const Token &token : stream.tokens) {
      takeCommentsBefore(token.text.data());
      if (token.is(Token::End))
        break;
      items.push_back({token});
    }
    SmallVector<size_t> statics;
    unsigned depth = 0; // of brackets, in which a line is no statement
    for (size_t i = 0; i < items.size(); ++i) {
      Token::Kind kind = items[i].token.kind;
      if (kind == Token::LParen || kind == Token::LBracket)
        ++depth;
      if ((kind == Token::RParen || kind == Token::RBracket) && depth > 0)
        --depth;
      if (kind == Token::Minus)
        items[i].isUnary = i == 0 ||
                           (items[i].token.startsLine && depth == 0) ||
                           !endsOperand(items[previousToken(i)]);
      if (kind == Token::Caret)
        items[i].isTightPower =
            is(i + 1, Token::Integer) || is(i + 1, Token::Real) ||
            (is(i + 1, Token::Name) && !is(i + 2, Token::LParen) &&
             !is(i + 2, Token::LBracket));
      if (kind == Token::Less && opensStatics(i)) {
        items[i].isStaticBracket = true;
        statics.push_back(i);
      } else if (kind == Token::Greater && !statics.empty()) {
        items[i].isStaticBracket = true;
        statics.pop_back();
      }
    }
  }

  size_t previousToken(size_t i) const {
    do
      --i;
    while (i > 0 && items[i].isComment);
    return i;
  }

  bool is(size_t i, Token::Kind kind) const {
    return i < items.size() && !items[i].isComment && items[i].token.is(kind);
  }

  /// `name<M: int>` in a header, `name<M = 7>` in a call.
  bool opensStatics(size_t i) const {
    return is(i + 1, Token::Name) &&
           (is(i + 2, Token::Colon) || is(i + 2, Token::Assign));
  }

  bool spaceBetween(const Item &a, const Item &b) const {
    Token::Kind left = a.token.kind, right = b.token.kind;
    if (left == Token::LBrace || right == Token::RBrace)
      return !(left == Token::LBrace && right == Token::RBrace);
    if (right == Token::LBrace)
      return true;
    if (isOpening(left) || isClosing(right) || right == Token::Comma ||
        right == Token::Colon)
      return false;
    if (left == Token::Dot || right == Token::Dot || left == Token::DotDot ||
        right == Token::DotDot)
      return false;
    if (right == Token::Caret)
      return !b.isTightPower;
    if (left == Token::Caret)
      return !a.isTightPower;
    if (a.isUnary)
      return false;
    if (b.isStaticBracket || (a.isStaticBracket && a.token.is(Token::Less)))
      return false;
    if (right == Token::LParen || right == Token::LBracket)
      return !endsOperand(a);
    return true;
  }

  /// The column where a line of the source starts.
  size_t indentFor(size_t first) const {
    const Item &item = items[first];
    if (open.empty())
      return isContinuation(first) ? continuationIndent : 0;
    const Open &innermost = open.back();
    if (!item.isComment && isClosing(item.token.kind))
      return innermost.closingColumn;
    bool inBlock = innermost.kind == Token::LBrace;
    return innermost.column +
           (inBlock && isContinuation(first) ? continuationIndent : 0);
  }

  /// True when the statement of the line before goes on with item `first`.
  bool isContinuation(size_t first) const {
    if (items[first].isComment)
      return false;
    if (is(first, Token::Arrow) || is(first, Token::KwOver))
      return true;
    if (first == 0)
      return false;
    const Item &before = items[previousToken(first)];
    return !before.isComment &&
           (isOperator(before.token.kind) || before.token.is(Token::Comma)) &&
           !before.isStaticBracket;
  }

  void layOutLine(size_t begin, size_t end) {
    Line line;
    size_t indent = indentFor(begin);
    line.text.assign(indent, ' ');
    size_t depth = open.size();
    for (size_t i = begin; i < end; ++i) {
      const Item &item = items[i];
      if (is(i, Token::Assign) && !line.assign && open.size() == depth &&
          (open.empty() || open.back().kind == Token::LBrace)) {
        line.assign = line.text.size() + 1;
        line.sourceAssign =
            item.token.text.data() - items[begin].token.text.data();
      }
      if (item.isComment) {
        (i == begin ? line.text : line.comment) += item.token.text;
        continue;
      }
      if (i != begin && spaceBetween(items[i - 1], item))
        line.text += ' ';
      line.text += item.token.text;
      if (isOpening(item.token.kind)) {
        // What follows in the next lines lines up behind the bracket, or one
        // step in when nothing follows it in this line.
        bool last = i + 1 == end || items[i + 1].isComment;
        bool block = item.token.is(Token::LBrace);
        size_t base = open.empty() ? 0 : open.back().column;
        if (block || last)
          open.push_back({item.token.kind,
                          base + (block ? blockIndent : continuationIndent),
                          base});
        else
          open.push_back(
              {item.token.kind, width(line.text), width(line.text) - 1});
      } else if (isClosing(item.token.kind) && !open.empty()) {
        open.pop_back();
      }
    }
    line.blankBefore = begin > 0 && blankLinesBefore(begin) &&
                       !is(begin - 1, Token::LBrace) &&
                       !is(begin, Token::RBrace);
    lines.push_back(std::move(line));
  }

  bool blankLinesBefore(size_t i) const {
    StringRef before = items[i - 1].token.text;
    const char *end = items[i].token.text.data();
    StringRef between(before.end(), end - before.end());
    return between.count('\n') > 1;
  }

  /// Where the author lined up the `=` of consecutive lines, they stay so.
  void alignAssignments() {
    auto indent = [](const Line &line) {
      return line.text.find_first_not_of(' ');
    };
    for (size_t first = 0, last; first < lines.size(); first = last) {
      last = first + 1;
      if (!lines[first].assign)
        continue;
      size_t column = lines[first].assign;
      for (; last < lines.size() && !lines[last].blankBefore &&
             lines[last].assign &&
             lines[last].sourceAssign == lines[first].sourceAssign &&
             indent(lines[last]) == indent(lines[first]);
           ++last)
        column = std::max(column, lines[last].assign);
      for (size_t k = first; k < last; ++k)
        lines[k].text.insert(lines[k].assign, column - lines[k].assign, ' ');
    }
  }

  std::string print() const {
    std::string out;
    for (size_t i = 0; i < lines.size(); ++i) {
      const Line &line = lines[i];
      if (line.blankBefore)
        out += '\n';
      out += line.text;
      if (!line.comment.empty())
        out.append(commentColumn(i) - width(line.text), ' ') += line.comment;
      out += '\n';
    }
    return out;
  }

  /// Comments that trail consecutive lines share a column.
  size_t commentColumn(size_t i) const {
    auto trails = [&](size_t k) { return !lines[k].comment.empty(); };
    size_t first = i, last = i;
    while (first > 0 && !lines[first].blankBefore && trails(first - 1))
      --first;
    while (last + 1 < lines.size() && !lines[last + 1].blankBefore &&
           trails(last + 1))
      ++last;
    size_t column = 0;
    for (size_t k = first; k <= last; ++k)
      column = std::max(column, width(lines[k].text) + 2);
    return column;
  }

  struct Open {
    Token::Kind kind;
    size_t column;        ///< Where lines inside start.
    size_t closingColumn; ///< Where a line that starts with the closer does.
  };

  std::vector<Item> items;
  std::vector<Line> lines;
  SmallVector<Open> open;
};

/// The program of `buffer` as nested lists, or nothing when it has errors.
std::optional<std::string> parseToText(StringRef buffer, Diagnostics &diags) {
  size_t before = diags.size();
  llvm::BumpPtrAllocator arena;
  TokenStream stream = lex(buffer, diags);
  ast::File *file = Parser(stream, arena, diags).parseFile(buffer);
  if (diags.size() != before)
    return std::nullopt;
  std::string text;
  llvm::raw_string_ostream os(text);
  ast::print(*file, os);
  return text;
}
} // namespace

std::optional<std::string> fovea::frontend::format(StringRef buffer,
                                                   Diagnostics &diags) {
  std::optional<std::string> program = parseToText(buffer, diags);
  if (!program)
    return std::nullopt;
  TokenStream stream = lex(buffer, diags);
  std::string formatted = Formatter(stream).run();

  // A formatter that changes a program is worse than none: read it back.
  llvm::SourceMgr sources;
  Diagnostics rereadDiags(sources);
  if (parseToText(formatted, rereadDiags) != program)
    return buffer.str();
  return formatted;
}
