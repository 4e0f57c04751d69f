//===- Segments.h - Segments of an attention, as text -----------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EXPLAIN_SEGMENTS_H
#define FOVEA_TOOLS_EXPLAIN_SEGMENTS_H

#include "dialect/Attn.h"
#include "tools/explain/Sizes.h"

namespace fovea::explain {

/// The intervals of `#attn.segments` as formulas over `begin` and `end` of the
/// tile's queries, `[begin + 1, end)`; an interval that the call's values make
/// empty for every tile is left out.
struct SegmentFormulas {
  std::vector<std::string> visit, masked;
};
SegmentFormulas describeSegments(attn::AttentionOp op, Sizes &sizes);

/// A condition of the mask that the compiler does not understand.
struct UnknownCondition {
  mlir::Location loc;
  std::string reason;
};
std::vector<UnknownCondition> explainUnknown(attn::AttentionOp op,
                                             Sizes &sizes);

} // namespace fovea::explain

#endif // FOVEA_TOOLS_EXPLAIN_SEGMENTS_H
