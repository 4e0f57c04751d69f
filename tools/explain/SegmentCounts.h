//===- SegmentCounts.h - What the tiles do with the keys --------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_TOOLS_EXPLAIN_SEGMENTCOUNTS_H
#define FOVEA_TOOLS_EXPLAIN_SEGMENTCOUNTS_H

#include "dialect/Attn.h"
#include "tools/explain/Sizes.h"

#include <variant>

namespace fovea::explain {

/// What the tiles of all queries do with the keys, for given sizes. One *pair*
/// is a query and a key.
struct SegmentCounts {
  double pairs = 0, whole = 0, partial = 0;
  /// Sum over groups of tiles of the keys there are, and of those that each
  /// brings near.
  double groupKeys = 0, visitedGroupKeys = 0;
  /// Tiles of one combination of the other dimensions.
  int64_t tiles = 0;
  /// A row for each `tilesPerRow` tiles of `queryTile` queries, a character for
  /// each `keysPerColumn` keys. `.` all are skipped, `#` all are whole, `?`
  /// some are partial, `+` some are whole and the others skipped.
  std::vector<std::string> map;
  int64_t tilesPerRow = 1, keysPerColumn = 1;
  /// The dimensions, other than queries and keys, that the map shows at 0.
  std::vector<std::string> mapAtZero;

  double visited() const { return whole + partial; }
};

/// Why there are no counts.
struct MissingCounts {
  /// What has to be given: `--size i=N`.
  std::vector<std::string> options;
  /// Or another reason.
  std::string reason;
};

/// Counts what `op`'s schedule and segments make of its mask.
std::variant<SegmentCounts, MissingCounts> countSegments(attn::AttentionOp op,
                                                         Sizes &sizes);

} // namespace fovea::explain

#endif // FOVEA_TOOLS_EXPLAIN_SEGMENTCOUNTS_H
