//===- Analysis.cpp - What the language says about one document ---------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea-lsp-server/Analysis.h"
#include "frontend/Describe.h"
#include "frontend/Format.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

using namespace fovea;
using namespace fovea::server;
namespace lsp = llvm::lsp;
using frontend::Symbol;
using llvm::SMLoc;
using llvm::SMRange;
using llvm::StringRef;

Analysis::Analysis(const Document &document, const frontend::Options &options,
                   llvm::IntrusiveRefCntPtr<llvm::vfs::FileSystem> files)
    : uri(document.uri), options(options), diags(sources) {
  sources.setVirtualFileSystem(std::move(files));
  unsigned buffer = sources.AddNewSourceBuffer(
      llvm::MemoryBuffer::getMemBufferCopy(document.text, uri.file()), {});
  checked = parseAndCheck(sources, buffer, options, diags, &semantics);
  main = checked->modules.all().front().get();
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

StringRef Analysis::text() const {
  return sources.getMemoryBuffer(sources.getMainFileID())->getBuffer();
}

SMLoc Analysis::loc(lsp::Position position) const {
  size_t offset = TextPositions(text()).offset(position);
  return SMLoc::getFromPointer(text().data() + offset);
}

bool Analysis::isHere(SMLoc loc) const {
  return loc.isValid() &&
         sources.FindBufferContainingLoc(loc) == sources.getMainFileID();
}

/// An empty range becomes that of the name there, so that there is something
/// to underline.
static lsp::Range rangeIn(StringRef text, SMRange range) {
  size_t begin = range.Start.getPointer() - text.data();
  size_t end = range.End.getPointer() - text.data();
  if (end <= begin) {
    end = begin;
    while (end < text.size() && (llvm::isAlnum(text[end]) || text[end] == '_'))
      ++end;
  }
  return TextPositions(text).range(begin, end);
}

lsp::Range Analysis::range(SMRange range) const {
  return rangeIn(text(), range);
}

std::optional<lsp::Location> Analysis::location(SMRange range) const {
  if (isHere(range.Start))
    return lsp::Location(uri, this->range(range));
  unsigned buffer = sources.FindBufferContainingLoc(range.Start);
  if (!buffer)
    return std::nullopt;
  const llvm::MemoryBuffer *memory = sources.getMemoryBuffer(buffer);
  llvm::SmallString<256> path(memory->getBufferIdentifier());
  if (sources.getVirtualFileSystem()->makeAbsolute(path))
    return std::nullopt;
  llvm::sys::path::remove_dots(path, /*remove_dot_dot=*/true);
  llvm::Expected<lsp::URIForFile> file = lsp::URIForFile::fromFile(path);
  if (!file) {
    llvm::consumeError(file.takeError());
    return std::nullopt;
  }
  return lsp::Location(*file, rangeIn(memory->getBuffer(), range));
}

bool Analysis::dependsOn(StringRef path) const {
  // A module that was not found may be there now.
  if (!checked->modules.areComplete())
    return true;
  for (unsigned k = 1; k <= sources.getNumBuffers(); ++k) {
    llvm::SmallString<256> read(
        sources.getMemoryBuffer(k)->getBufferIdentifier());
    (void)sources.getVirtualFileSystem()->makeAbsolute(read);
    llvm::sys::path::remove_dots(read, /*remove_dot_dot=*/true);
    if (read == path)
      return true;
  }
  return false;
}

//===----------------------------------------------------------------------===//
// Diagnostics
//===----------------------------------------------------------------------===//

/// True when `module` is the text around `loc`, or brings it in.
static bool reaches(const frontend::Module &module, SMLoc loc,
                    llvm::SmallPtrSetImpl<const frontend::Module *> &seen) {
  if (!seen.insert(&module).second)
    return false;
  StringRef buffer = module.file->buffer;
  if (buffer.begin() <= loc.getPointer() && loc.getPointer() <= buffer.end())
    return true;
  return llvm::any_of(module.imports, [&](const auto &import) {
    return reaches(*import.second, loc, seen);
  });
}

SMRange Analysis::placeHere(const frontend::Diagnostic &error) const {
  if (isHere(error.range.Start))
    return error.range;
  for (const frontend::Note &note : error.notes)
    if (isHere(note.loc))
      return {note.loc, note.loc};
  for (const auto &[name, module] : main->imports) {
    llvm::SmallPtrSet<const frontend::Module *, 8> seen;
    if (!error.range.isValid() || !reaches(*module, error.range.Start, seen))
      continue;
    for (const frontend::ast::Decl *decl : main->file->decls)
      if (llvm::isa<frontend::ast::UseDecl>(decl) && decl->name.text == name)
        return decl->range;
  }
  SMLoc begin = SMLoc::getFromPointer(text().data());
  return {begin, begin};
}

std::vector<lsp::Diagnostic> Analysis::diagnostics() const {
  std::vector<lsp::Diagnostic> all;
  for (const frontend::Diagnostic &error : diags.all()) {
    lsp::Diagnostic made;
    made.range = range(placeHere(error));
    made.severity = lsp::DiagnosticSeverity::Error;
    made.source = "fovea";
    made.message = error.message;
    std::vector<lsp::DiagnosticRelatedInformation> related;
    if (error.range.isValid() && !isHere(error.range.Start))
      if (auto place = location(error.range))
        related.emplace_back(*place, llvm::json::fixUTF8(error.message));
    for (const frontend::Note &note : error.notes) {
      std::optional<lsp::Location> place;
      if (note.loc.isValid())
        place = location({note.loc, note.loc});
      // Advice belongs to the error: the protocol wants a place for the rest.
      if (place)
        related.emplace_back(*place, llvm::json::fixUTF8(note.message));
      else
        made.message += "\n" + note.message;
    }
    made.message = llvm::json::fixUTF8(made.message);
    if (!related.empty())
      made.relatedInformation = std::move(related);
    all.push_back(std::move(made));
  }
  llvm::sort(all, [](const auto &a, const auto &b) {
    return std::tie(a.range, a.message) < std::tie(b.range, b.message);
  });
  return all;
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

std::optional<lsp::Hover> Analysis::hover(lsp::Position position) const {
  SMLoc at = loc(position);
  const frontend::Occurrence *occurrence = semantics.find(at);
  std::string shown = hoverText(semantics, at, occurrence);
  if (shown.empty())
    return std::nullopt;
  lsp::Hover hover(range(occurrence->range));
  hover.contents.value = llvm::json::fixUTF8(shown);
  return hover;
}

std::vector<lsp::Location> Analysis::definition(lsp::Position position) const {
  const frontend::Occurrence *occurrence = semantics.find(loc(position));
  if (!occurrence || !occurrence->symbol)
    return {};
  std::optional<lsp::Location> place = location(occurrence->symbol->definition);
  if (!place)
    return {};
  if (occurrence->symbol->kind == Symbol::Module)
    place->range = lsp::Range();
  return {*place};
}

std::vector<lsp::Location> Analysis::references(lsp::Position position,
                                                bool withDefinition) const {
  const frontend::Occurrence *occurrence = semantics.find(loc(position));
  if (!occurrence || !occurrence->symbol)
    return {};
  std::vector<lsp::Location> places;
  for (SMRange use : semantics.uses(*occurrence->symbol)) {
    bool isDefinition = use.Start == occurrence->symbol->definition.Start;
    if (isDefinition && !withDefinition)
      continue;
    if (std::optional<lsp::Location> place = location(use))
      places.push_back(*place);
  }
  return places;
}

static lsp::SymbolKind symbolKind(const frontend::ast::Decl &decl) {
  using frontend::ast::Decl;
  switch (decl.kind) {
  case Decl::UseKind:
    return lsp::SymbolKind::Module;
  case Decl::ConstKind:
    return lsp::SymbolKind::Constant;
  case Decl::ParamKind:
    return lsp::SymbolKind::Field;
  case Decl::FunctionKind:
    return lsp::SymbolKind::Function;
  case Decl::ModelKind:
    return lsp::SymbolKind::Class;
  }
  llvm_unreachable("unknown declaration");
}

std::vector<lsp::DocumentSymbol> Analysis::symbols() const {
  auto make = [&](const frontend::ast::Decl &decl) {
    lsp::DocumentSymbol symbol(decl.name.text, symbolKind(decl),
                               range(decl.range), range(decl.name.range));
    const frontend::Occurrence *name = semantics.find(decl.name.range.Start);
    if (name && name->symbol)
      symbol.detail =
          llvm::json::fixUTF8(describeSymbol(*name->symbol, semantics));
    return symbol;
  };
  std::vector<lsp::DocumentSymbol> all;
  for (const frontend::ast::Decl *decl : main->file->decls) {
    all.push_back(make(*decl));
    if (auto *model = llvm::dyn_cast<frontend::ast::ModelDecl>(decl))
      for (const frontend::ast::Decl *member : model->members)
        all.back().children.push_back(make(*member));
  }
  return all;
}

std::vector<lsp::TextEdit> Analysis::formatting() const {
  frontend::Diagnostics ignored(sources);
  std::optional<std::string> formatted = frontend::format(text(), ignored);
  if (!formatted || *formatted == text())
    return {};
  // The lines that differ, so that a cursor elsewhere stays where it is.
  StringRef before = text(), after = *formatted;
  size_t same = 0, begin = 0;
  while (same < before.size() && same < after.size() &&
         before[same] == after[same])
    if (before[same++] == '\n')
      begin = same;
  before = before.drop_front(begin);
  after = after.drop_front(begin);
  size_t tail = 0, kept = 0;
  while (tail < before.size() && tail < after.size() &&
         before[before.size() - 1 - tail] == after[after.size() - 1 - tail])
    if (before[before.size() - 1 - tail++] == '\n')
      kept = tail - 1; // after the line break: the break itself may differ
  size_t end = begin + before.size() - kept;
  lsp::TextEdit edit;
  edit.range = TextPositions(text()).range(begin, end);
  edit.newText = llvm::json::fixUTF8(after.drop_back(kept));
  return {edit};
}
