//===- Diagnostics.cpp - Located errors of the language -------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Diagnostics.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <tuple>

using namespace fovea::frontend;
using llvm::SMLoc;
using llvm::SMRange;
using llvm::StringRef;
using llvm::Twine;

Diagnostic &Diagnostic::note(SMLoc loc, const Twine &message) {
  notes.push_back({loc, message.str()});
  return *this;
}

Diagnostic &Diagnostic::help(const Twine &message) {
  return note(SMLoc(), message);
}

Diagnostic &Diagnostics::error(SMRange range, const Twine &message) {
  std::string text = message.str();
  if (isFull() || !seen.insert({range.Start.getPointer(), text}).second) {
    dropped = {};
    return dropped;
  }
  errors.push_back({range, std::move(text), {}});
  return errors.back();
}

namespace {
/// Longest piece of a source line that is shown around a caret.
constexpr size_t maxShown = 120;

/// A printable form of one source line: control characters would garble a
/// terminal, and a long line would hide the caret.
void printExcerpt(llvm::raw_ostream &os, StringRef line, unsigned number,
                  size_t column, size_t length) {
  size_t first = column >= maxShown ? column - maxShown / 2 : 0;
  StringRef shown = line.substr(first, maxShown);
  os << llvm::format("%4u | ", number);
  for (char c : shown)
    os << (static_cast<unsigned char>(c) < 0x20 && c != '\t' ? '?' : c);
  os << "\n     | ";
  for (size_t i = first; i < column; ++i) {
    unsigned char c = i < line.size() ? line[i] : ' ';
    if ((c & 0xC0) != 0x80) // a continuation byte of UTF-8 takes no column
      os << (c == '\t' ? '\t' : ' ');
  }
  os << '^';
  size_t end = std::min({column + length, line.size(), first + maxShown});
  for (size_t i = column + 1; i < end; ++i)
    os << '~';
  os << '\n';
}
} // namespace

void Diagnostics::print(llvm::raw_ostream &os) const {
  auto printPlace = [&](SMLoc loc, StringRef kind) {
    unsigned buffer = sources.FindBufferContainingLoc(loc);
    if (!buffer) {
      os << "fovea: " << kind << ": ";
      return;
    }
    auto [line, column] = sources.getLineAndColumn(loc, buffer);
    os << sources.getMemoryBuffer(buffer)->getBufferIdentifier() << ':' << line
       << ':' << column << ": " << kind << ": ";
  };
  // The lexer reports before the parser: order by place, file by file.
  auto place = [&](const Diagnostic *error) {
    SMLoc loc = error->range.Start;
    unsigned buffer = sources.FindBufferContainingLoc(loc);
    return std::tuple(buffer ? buffer : ~0u, loc.getPointer(), error);
  };
  std::vector<const Diagnostic *> sorted;
  for (const Diagnostic &error : errors)
    sorted.push_back(&error);
  llvm::sort(sorted, [&](const Diagnostic *a, const Diagnostic *b) {
    return place(a) < place(b);
  });
  for (const Diagnostic *each : sorted) {
    const Diagnostic &error = *each;
    SMLoc loc = error.range.Start;
    printPlace(loc, "error");
    os << error.message << '\n';
    if (unsigned buffer = sources.FindBufferContainingLoc(loc)) {
      StringRef text = sources.getMemoryBuffer(buffer)->getBuffer();
      size_t offset = loc.getPointer() - text.data();
      size_t begin = text.substr(0, offset).rfind('\n') + 1;
      StringRef line = text.substr(begin).take_until(
          [](char c) { return c == '\n' || c == '\r'; });
      size_t length = error.range.End.getPointer() - loc.getPointer();
      printExcerpt(os, line, sources.getLineAndColumn(loc, buffer).first,
                   offset - begin, length);
    }
    for (const Note &note : error.notes) {
      printPlace(note.loc.isValid() ? note.loc : loc, "note");
      os << note.message << '\n';
    }
  }
  if (isFull())
    os << "fovea: error: too many errors, stopped after " << maxErrors << '\n';
}
