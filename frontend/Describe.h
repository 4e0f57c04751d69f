//===- Describe.h - What a program means, in words for a reader -*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef FOVEA_FRONTEND_DESCRIBE_H
#define FOVEA_FRONTEND_DESCRIBE_H

#include "frontend/SemanticIndex.h"

namespace fovea::frontend {

/// The type of a value, `real[b, i, d]`: what an element is and the free
/// indices in the order of their first use. Without `[…]` it depends on none.
std::string describeType(const Node *value);

/// An expression as it could be written, shortened where it is long: what it
/// became after names and functions were resolved.
std::string describeExpression(const Node *node);

/// `d in 0..64`, `h in 0..H = 12`, or `j` alone where a call gives the size.
std::string describeIndex(const IndexVar *index,
                          const SemanticIndex &semantics);

/// A declaration on one line, as it is written but for space: the header of a
/// function, `q: T[b, i, d]`, `const H = 12`. A local has its type after it.
std::string describeSymbol(const Symbol &symbol,
                           const SemanticIndex &semantics);

/// The lines of comment right above the line of `loc` in `buffer`, or, for a
/// module, those at its beginning; without their `#`.
std::string commentAbove(llvm::StringRef buffer, llvm::SMLoc loc);
std::string leadingComment(llvm::StringRef buffer);

} // namespace fovea::frontend

#endif // FOVEA_FRONTEND_DESCRIBE_H
