//===- Workspace.h - The documents that an editor has open --------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_TOOLS_LSP_WORKSPACE_H
#define FOVEA_TOOLS_LSP_WORKSPACE_H

#include "tools/fovea-lsp-server/Analysis.h"
#include "llvm/ADT/FunctionExtras.h"
#include "llvm/ADT/StringMap.h"

namespace fovea::server {

/// Keeps the open documents and what is known of each. A module that is open is
/// read as the editor has it, saved or not.
class Workspace {
public:
  using Publish =
      llvm::unique_function<void(const llvm::lsp::PublishDiagnosticsParams &)>;

  /// `publish` is given the errors of a document whenever they are new.
  Workspace(frontend::Options options, Publish publish)
      : options(std::move(options)), publish(std::move(publish)) {}

  void open(Document document);
  /// Applies edits in order. False when the document is not open.
  bool
  change(const llvm::lsp::URIForFile &uri, int64_t version,
         llvm::ArrayRef<llvm::lsp::TextDocumentContentChangeEvent> changes);
  void close(const llvm::lsp::URIForFile &uri);
  /// Checks all documents again: files may have changed that are not open.
  void refresh();

  /// Null for a document that is not open.
  const Analysis *find(const llvm::lsp::URIForFile &uri) const;

private:
  struct Entry {
    Document document;
    std::unique_ptr<Analysis> analysis;
  };

  void check(Entry &entry);
  /// Checks all that depend on the document at `path`, but for itself.
  void checkDependents(llvm::StringRef path);

  frontend::Options options;
  Publish publish;
  llvm::StringMap<Entry> entries; ///< By path.
};

} // namespace fovea::server

#endif // FOVEA_TOOLS_LSP_WORKSPACE_H
