//===- Workspace.cpp - The documents that an editor has open ------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea-lsp-server/Workspace.h"
#include "llvm/Support/Path.h"

using namespace fovea;
using namespace fovea::server;
namespace lsp = llvm::lsp;
namespace vfs = llvm::vfs;

void Workspace::check(Entry &entry) {
  auto unsaved = llvm::makeIntrusiveRefCnt<vfs::InMemoryFileSystem>();
  for (const auto &open : entries)
    if (llvm::sys::path::has_filename(open.first()) &&
        llvm::sys::path::extension(open.first()) == ".attn")
      unsaved->addFile(open.first(), /*ModificationTime=*/0,
                       llvm::MemoryBuffer::getMemBufferCopy(
                           open.second.document.text, open.first()));
  auto files = llvm::makeIntrusiveRefCnt<vfs::OverlayFileSystem>(
      vfs::getRealFileSystem());
  files->pushOverlay(std::move(unsaved));
  entry.analysis =
      std::make_unique<Analysis>(entry.document, options, std::move(files));
  lsp::PublishDiagnosticsParams params(entry.document.uri,
                                       entry.document.version);
  params.diagnostics = entry.analysis->diagnostics();
  publish(params);
}

void Workspace::checkDependents(llvm::StringRef path) {
  for (auto &other : entries)
    if (other.first() != path && other.second.analysis->dependsOn(path))
      check(other.second);
}

void Workspace::open(Document document) {
  std::string path = document.uri.file().str();
  Entry &entry = entries[path];
  entry.document = std::move(document);
  check(entry);
  checkDependents(path);
}

bool Workspace::change(
    const lsp::URIForFile &uri, int64_t version,
    llvm::ArrayRef<lsp::TextDocumentContentChangeEvent> changes) {
  auto it = entries.find(uri.file());
  if (it == entries.end())
    return false;
  Document &document = it->second.document;
  document.version = version;
  for (const lsp::TextDocumentContentChangeEvent &change : changes) {
    if (!change.range) {
      document.text = change.text;
      continue;
    }
    TextPositions positions(document.text);
    size_t begin = positions.offset(change.range->start);
    size_t end = std::max(begin, positions.offset(change.range->end));
    document.text.replace(begin, end - begin, change.text);
  }
  check(it->second);
  checkDependents(uri.file());
  return true;
}

void Workspace::close(const lsp::URIForFile &uri) {
  auto it = entries.find(uri.file());
  if (it == entries.end())
    return;
  publish(lsp::PublishDiagnosticsParams(it->second.document.uri,
                                        it->second.document.version));
  entries.erase(it);
  checkDependents(uri.file());
}

void Workspace::refresh() {
  for (auto &entry : entries)
    check(entry.second);
}

const Analysis *Workspace::find(const lsp::URIForFile &uri) const {
  auto it = entries.find(uri.file());
  return it == entries.end() ? nullptr : it->second.analysis.get();
}
