//===- Analysis.h - What the language says about one document -----------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_TOOLS_LSP_ANALYSIS_H
#define FOVEA_TOOLS_LSP_ANALYSIS_H

#include "frontend/Frontend.h"
#include "tools/fovea-lsp-server/TextPositions.h"
#include "llvm/Support/VirtualFileSystem.h"

namespace fovea::server {

/// A document as the editor has it.
struct Document {
  llvm::lsp::URIForFile uri;
  std::string text;
  int64_t version = 0;
};

/// One version of one document, checked; answers questions about it. Modules
/// are read through `files`. Every answer is well-formed UTF-8.
class Analysis {
public:
  Analysis(const Document &document, const frontend::Options &options,
           llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem> files);

  /// True when the file at `path` may change what this says.
  bool dependsOn(llvm::StringRef path) const;

  /// The errors. One in a module stands where this document brings it in.
  std::vector<llvm::lsp::Diagnostic> diagnostics() const;
  std::optional<llvm::lsp::Hover> hover(llvm::lsp::Position position) const;
  std::vector<llvm::lsp::Location>
  definition(llvm::lsp::Position position) const;
  std::vector<llvm::lsp::Location> references(llvm::lsp::Position position,
                                              bool withDefinition) const;
  std::vector<llvm::lsp::DocumentSymbol> symbols() const;
  llvm::lsp::CompletionList completion(llvm::lsp::Position position) const;
  /// The edits that lay the document out; none for one that does not parse.
  std::vector<llvm::lsp::TextEdit> formatting() const;

private:
  llvm::StringRef text() const;
  llvm::SMLoc loc(llvm::lsp::Position position) const;
  bool isHere(llvm::SMLoc loc) const;
  llvm::lsp::Range range(llvm::SMRange range) const;
  std::optional<llvm::lsp::Location> location(llvm::SMRange range) const;
  llvm::SMRange placeHere(const frontend::Diagnostic &error) const;
  void completeModules(llvm::StringRef path,
                       llvm::lsp::CompletionList &list) const;
  void completeSymbols(llvm::ArrayRef<const frontend::Symbol *> symbols,
                       llvm::lsp::CompletionList &list) const;

  llvm::lsp::URIForFile uri;
  frontend::Options options;
  llvm::SourceMgr sources;
  frontend::Diagnostics diags;
  frontend::SemanticIndex semantics;
  std::unique_ptr<frontend::Checked> checked;
  const frontend::Module *main = nullptr;
};

/// What an editor shows about the name or expression that is at `loc`, in
/// Markdown; empty when there is nothing to say.
std::string hoverText(const frontend::SemanticIndex &semantics, llvm::SMLoc loc,
                      const frontend::Occurrence *occurrence);

} // namespace fovea::server

#endif // FOVEA_TOOLS_LSP_ANALYSIS_H
