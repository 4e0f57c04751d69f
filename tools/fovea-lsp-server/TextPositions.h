//===- TextPositions.h - Lines and characters of a text -----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The protocol counts lines, and in a line the code units of UTF-16.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_TOOLS_LSP_TEXTPOSITIONS_H
#define FOVEA_TOOLS_LSP_TEXTPOSITIONS_H

#include "llvm/Support/LSP/Protocol.h"
#include <vector>

namespace fovea::server {

class TextPositions {
public:
  /// The text must outlive this.
  explicit TextPositions(llvm::StringRef text);

  /// The place of the byte at `offset`, at most the end of the text.
  llvm::lsp::Position position(size_t offset) const;
  llvm::lsp::Range range(size_t begin, size_t end) const {
    return {position(begin), position(end)};
  }
  llvm::lsp::Range whole() const { return range(0, text.size()); }

  /// The byte at `position`; the end of a line or of the text for what is
  /// beyond of it.
  size_t offset(llvm::lsp::Position position) const;

private:
  llvm::StringRef text;
  std::vector<size_t> lines; ///< Where each begins.
};

} // namespace fovea::server

#endif // FOVEA_TOOLS_LSP_TEXTPOSITIONS_H
