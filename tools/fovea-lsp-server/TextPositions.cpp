//===- TextPositions.cpp - Lines and characters of a text ---------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea-lsp-server/TextPositions.h"
#include "llvm/ADT/STLExtras.h"

using namespace fovea::server;

TextPositions::TextPositions(llvm::StringRef text) : text(text), lines{0} {
  for (size_t at = 0; (at = text.find('\n', at)) != llvm::StringRef::npos;)
    lines.push_back(++at);
}

/// The code units of UTF-16 that begin with the byte `c` of UTF-8.
static unsigned units(char c) {
  unsigned char byte = c;
  if ((byte & 0xC0) == 0x80)
    return 0; // it continues a character
  return byte >= 0xF0 ? 2 : 1;
}

llvm::lsp::Position TextPositions::position(size_t offset) const {
  offset = std::min(offset, text.size());
  size_t line = llvm::upper_bound(lines, offset) - lines.begin() - 1;
  int character = 0;
  for (char c : text.slice(lines[line], offset))
    character += units(c);
  return {static_cast<int>(line), character};
}

size_t TextPositions::offset(llvm::lsp::Position position) const {
  if (position.line < 0)
    return 0;
  if (static_cast<size_t>(position.line) >= lines.size())
    return text.size();
  size_t at = lines[position.line];
  llvm::StringRef line =
      text.substr(at).take_until([](char c) { return c == '\n'; });
  line.consume_back("\r");
  int left = position.character;
  for (char c : line) {
    int width = units(c);
    if (left < width || (left == 0 && width != 0))
      break;
    left -= width;
    ++at;
  }
  return at;
}
