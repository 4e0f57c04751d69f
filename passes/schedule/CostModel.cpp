//===- CostModel.cpp - What a schedule is estimated to take ---------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model of throughput: what the code of a tile and a block has to issue, the
// busiest kind of instruction counted, and what it has to bring from farther
// than the level-1 cache. Only differences between schedules matter, so that
// what all have in common may be roughly right.
//
// The constants are instructions of the generated code, or cycles measured on
// it; docs/schedules.md says how.
//
//===----------------------------------------------------------------------===//

#include "passes/schedule/CostModel.h"

#include "mlir/IR/TypeUtilities.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace fovea::attn;

/// Stand for what is only known at run time.
static constexpr int64_t kUsualWidth = 128;
static constexpr int64_t kUsualKeys = 1024;
static constexpr int64_t kUsualWindow = 160;

/// Larger sizes make no difference, and their products fit 64 bits.
static constexpr int64_t kMost = int64_t(1) << 24;

/// Multiply-adds of registers that start in a cycle; in tiles of one register,
/// where each waits for a load of its own; and as many as a matrix unit does of
/// bf16, and of pieces, which read less for each.
static constexpr double kMultiplyAdds = 2;
static constexpr double kLoadedMultiplyAdds = 1.6;
static constexpr double kMatrixMultiplyAdds = 16;
static constexpr double kPieceMultiplyAdds = 24;
/// Cycles to take a register of weights apart into pieces.
static constexpr double kPieceCycles = 4;
/// Cycles for the exponential of a register of scores, its share of the maximum
/// and the sum, and its way to memory and back.
static constexpr double kExpCycles = 10;
/// Cycles to reach a tile of a block: its loops begin, the maxima are compared.
static constexpr double kVisitCycles = 150;
/// Cycles for a register of sums at a block: read, scaled and written.
/// With a matrix unit they go in and out of its tiles too.
static constexpr double kRescaleCycles = 2;
static constexpr double kMatrixRescaleCycles = 7;
/// Cycles to bring a register of keys or values near, transposed if need be.
static constexpr double kCopyCycles = 3;
/// Bytes of a cycle: of what exceeds the level-1 cache; from farther away than
/// the level-2 cache; and of keys and values in memory, as they are copied or
/// come by, where each row lies in a page of its own.
static constexpr double kSpilledBytes = 12;
static constexpr double kFarBytes = 24;
static constexpr double kStreamBytes = 10;
/// Of the level-2 cache, what a group finds its own data in: operands and
/// results pass through it too.
static constexpr double kOwnShare = 0.75;

/// Cycles to add up the lanes of the products of a pair, its share.
static constexpr double kCombineCycles = 3;
/// Cycles to reach a narrow tile of a block.
static constexpr double kNarrowVisitCycles = 200;
/// The same where a matrix unit computes it, with all that surrounds products:
/// operands are put in place, and one step waits for the other.
static constexpr double kMatrixVisitCycles = 1000;
/// What narrow tiles read is read as it comes; as much of it is waited for.
static constexpr double kStreamShare = 0.7;
/// The key and the value of a row each lie in a page of their own where heads
/// lie between them; so many pages are translated at once, and another takes so
/// long.
static constexpr double kNearPages = 48;
static constexpr double kPageCycles = 20;

/// Rows that a register tile computes in the time of `rows`: the last of them
/// may have too few sums to keep the multipliers busy.
static double paidRows(int64_t rows, int64_t tile) {
  constexpr int64_t kLeastRows = 4;
  int64_t left = rows % tile;
  return rows - left + (left ? std::max(left, kLeastRows) : 0);
}

/// Whether each query has keys near its own place alone, as in a window.
static bool isBand(AttentionOp op, unsigned query) {
  std::optional<SegmentsAttr> segments = op.getSegments();
  if (!segments)
    return false;
  auto move = [&](ArrayRef<AffineMap> maps) {
    return !maps.empty() && llvm::all_of(maps, [&](AffineMap map) {
      return map.isFunctionOfSymbol(3 * query); // see SegmentsAttr
    });
  };
  return move(segments->getVisitLower()) && move(segments->getVisitUpper());
}

CostModel::CostModel(AttentionOp op, const CpuModel &cpu)
    : cpu(cpu), query(*getQueryDim(op)) {
  DomainAttr domain = op.getDomain();
  auto measure = [&](DimKind kind, int64_t usual) {
    int64_t size = 1;
    for (unsigned dim : domain.getDims(kind)) {
      int64_t bound = domain.getBounds()[dim];
      bound = ShapedType::isDynamic(bound) ? usual : bound;
      size = std::min(kMost, size * std::clamp<int64_t>(bound, 1, kMost));
    }
    return size;
  };
  contraction = measure(DimKind::contraction, kUsualWidth);
  value = measure(DimKind::value, kUsualWidth);
  keys = measure(DimKind::key, kUsualKeys);
  allKeys = keys;
  if (isBand(op, query)) {
    allKeys = measure(DimKind::key, kMost);
    keys = std::min(allKeys, kUsualWindow);
  }
  auto self = cast<AttentionOpInterface>(op.getOperation());
  auto getPieces = [&](Region &region,
                       function_ref<bool(Type)> isOne) -> int64_t {
    return llvm::all_of(
               self.getInputsOf(region),
               [&](Value input) { return isOne(getElementTypeOrSelf(input)); })
               ? 1
               : TilePiecesOp::maxPieces;
  };
  auto isOpen = [&](unsigned dim) {
    return ShapedType::isDynamic(domain.getBounds()[dim]);
  };
  isKnown = self.getNumContractions() > 0 &&
            llvm::none_of(domain.getDims(DimKind::contraction), isOpen) &&
            llvm::none_of(domain.getDims(DimKind::value), isOpen);
  rowPieces = 1;
  for (unsigned k = 0; k < self.getNumContractions(); ++k)
    rowPieces = std::max(
        rowPieces, getPieces(self.getContraction(k), TilePiecesOp::isOnePiece));
  // Weights are rounded only where results are.
  bool isRounded = llvm::any_of(op.getOuts(), [](Value out) {
    return getElementTypeOrSelf(out).isBF16();
  });
  auto isBf16 = [](Type type) { return type.isBF16(); };
  valuePieces = 1;
  for (unsigned k = 0; k < self.getNumValues(); ++k)
    if (!self.isLogWeight(k))
      valuePieces =
          std::max(valuePieces, isRounded ? getPieces(self.getValue(k), isBf16)
                                          : TilePiecesOp::maxPieces);
}

/// Whether a matrix unit computes the products of wide tiles.
bool CostModel::isByMatrixUnit(ScheduleAttr schedule) const {
  return hasMatrixUnit() && schedule.getKeyBlock() % cpu.matrixKeys == 0 &&
         schedule.getQueryTile() == 2 * cpu.lanes;
}

/// Cycles for the products of a register of queries with so many keys, and of
/// its weights with their values, in wide tiles.
double CostModel::getProductCycles(ScheduleAttr schedule, int64_t rows) const {
  double scores = paidRows(rows, cpu.registerRows) * contraction,
         sums = paidRows(value, cpu.registerRows) * rows;
  if (!isByMatrixUnit(schedule))
    return (scores + sums) / (schedule.getQueryTile() > cpu.lanes
                                  ? kMultiplyAdds
                                  : kLoadedMultiplyAdds);
  auto getCycles = [](double products, int64_t pieces) {
    if (pieces == 1)
      return products / kMatrixMultiplyAdds;
    return products * TilePiecesOp::getProducts(pieces).size() /
           kPieceMultiplyAdds;
  };
  return getCycles(scores, rowPieces) + getCycles(sums, valuePieces) +
         (valuePieces - 1) * kPieceCycles / (TilePiecesOp::maxPieces - 1) *
             rows;
}

int64_t CostModel::blockBytes(int64_t keys, int64_t tile) const {
  int64_t bytes = keys * (keyBytes() + tile * sizeof(float));
  if (!hasMatrixUnit() || valuePieces == 1)
    return bytes;
  // Weights in pieces, values of two blocks that are visited in part, and a row
  // of each query before it is taken apart.
  return bytes + keys * tile * elementBytes(valuePieces) +
         2 * cpu.matrixKeys * value * elementBytes(valuePieces) +
         tile * contraction * sizeof(float);
}

double CostModel::estimateWide(ScheduleAttr schedule, int64_t queries) const {
  int64_t tile = schedule.getQueryTile();
  double tiles = llvm::divideCeil(std::max<int64_t>(queries, 1), tile);
  int64_t registers = llvm::divideCeil(tile, cpu.lanes);
  double ownBytes = tile * queryBytes();
  bool isMatrix = isByMatrixUnit(schedule);
  double rescale = isMatrix ? kMatrixRescaleCycles : kRescaleCycles;
  // Of tiles that visit a block of keys together.
  double group = std::min<double>(schedule.getQueryGroup(), tiles);
  double groups = std::ceil(tiles / group);

  // Of a tile, for all keys.
  double cycles = 0;
  auto visit = [&](double times, int64_t rows) {
    cycles += times * registers *
              (getProductCycles(schedule, rows) + rows * kExpCycles +
               value * rescale);
    cycles += times * kVisitCycles;
    // What the nearest cache has no room for goes out and in several times.
    double shared = rows * keyBytes();
    double near = rows * tile * scoreBytes() + ownBytes;
    if (near > cpu.level1Bytes)
      cycles += times * (near - cpu.level1Bytes) / kSpilledBytes;
    // So are the copies of keys and values, and the rows and sums of a group,
    // if they do not stay in the second one together.
    if (shared + group * ownBytes > cpu.level2Bytes * kOwnShare)
      cycles += times * (shared + ownBytes) / kFarBytes;
  };
  // Blocks are of equal size but for the last.
  int64_t block = std::min(schedule.getKeyBlock(), keys);
  int64_t whole = keys / block;
  visit(whole, block);
  if (int64_t left = keys - whole * block)
    visit(1, left);

  // Where tiles have keys of their own, those of neighbours overlap.
  double copied = std::min<double>(allKeys, keys + (group - 1) * tile);
  double copies = copied * (static_cast<double>(contraction + value) /
                                cpu.lanes * kCopyCycles +
                            keyBytes() / kStreamBytes);
  // Rows and results of a small group are asked for before they are needed.
  if (group * ownBytes > kAheadBytes)
    cycles += ownBytes / kStreamBytes;
  return (cycles * tiles + copies * groups) / keys;
}

double CostModel::estimateNarrow(ScheduleAttr schedule, int64_t queries) const {
  double tile = schedule.getQueryTile();
  double block = std::min(schedule.getKeyBlock(), keys);
  bool isMatrix = hasMatrixUnit() && rowPieces == 1 &&
                  schedule.getKeyBlock() == cpu.matrixKeys;
  double products = llvm::divideCeil(contraction, cpu.lanes) +
                    llvm::divideCeil(value, cpu.lanes);
  double perPair = isMatrix ? products / kMatrixMultiplyAdds +
                                  kMatrixVisitCycles / (tile * block)
                            : products / kMultiplyAdds + kCombineCycles +
                                  kNarrowVisitCycles / (tile * block);
  perPair += kExpCycles / cpu.lanes;
  // Tiles along the queries read each key once, those along the heads that
  // share it once for each query.
  bool isAlongQueries = schedule.getQueryDim() == query;
  double pairsRead = isAlongQueries ? std::max<double>(tile, queries) : tile;
  double perKey =
      (contraction + value) * sizeof(float) / kStreamBytes * kStreamShare;
  perKey += 2 * kPageCycles * std::max(0.0, 1 - kNearPages / (2 * block));
  return queries * (perPair + perKey / pairsRead);
}
