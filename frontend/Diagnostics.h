//===- Diagnostics.h - Located errors of the language -----------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Every part of the frontend reports here, and nothing is printed before the
// tool asks for it: a language server reads the list, `fovea check` prints it.
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_DIAGNOSTICS_H
#define FOVEA_FRONTEND_DIAGNOSTICS_H

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/SourceMgr.h"
#include <set>
#include <string>
#include <vector>

namespace fovea::frontend {

/// The second place of an error, or what to write instead.
struct Note {
  llvm::SMLoc loc; ///< Invalid when the note is about the error's own place.
  std::string message;
};

/// One error: where, what, and what else a reader needs to mend it.
struct Diagnostic {
  llvm::SMRange range;
  std::string message;
  std::vector<Note> notes;

  /// Adds a note about another place of the program.
  Diagnostic &note(llvm::SMLoc loc, const llvm::Twine &message);
  /// Adds a note that says what to write instead.
  Diagnostic &help(const llvm::Twine &message);
};

/// Collects the errors of one run over the buffers of a `SourceMgr`.
///
/// An error at the same place with the same text is kept once (a function that
/// is used twice is read twice), and after `maxErrors` the rest are dropped.
class Diagnostics {
public:
  static constexpr unsigned maxErrors = 50;

  explicit Diagnostics(const llvm::SourceMgr &sources) : sources(sources) {}

  /// Reports an error; the reference is valid until the next report.
  Diagnostic &error(llvm::SMRange range, const llvm::Twine &message);
  Diagnostic &error(llvm::SMLoc loc, const llvm::Twine &message) {
    return error(llvm::SMRange(loc, loc), message);
  }

  bool hasErrors() const { return !errors.empty(); }
  bool isFull() const { return errors.size() >= maxErrors; }
  size_t size() const { return errors.size(); }
  const std::vector<Diagnostic> &all() const { return errors; }
  const llvm::SourceMgr &getSources() const { return sources; }

  /// Prints each error as `file:line:column: error: message`, the source line
  /// and a caret, then its notes as `file:line:column: note: message`.
  void print(llvm::raw_ostream &os) const;

private:
  const llvm::SourceMgr &sources;
  std::vector<Diagnostic> errors;
  std::set<std::pair<const char *, std::string>> seen;
  Diagnostic dropped; ///< Takes what is reported twice or once full.
};

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_DIAGNOSTICS_H
