//===- Candidates.cpp - The schedules worth trying ------------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/schedule/Candidates.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace fovea::attn;

/// With more tiles in a group there is little left to save.
static constexpr int64_t kMaxGroup = 32;

/// Bytes of a thread for the rows and sums of a group, and for a block's keys,
/// values and scores. What is left of a mebibyte is for all else.
static constexpr int64_t kMostBytes = 896 << 10;

/// Keys of a block along which scores may fall steeply.
static constexpr uint64_t kMostSteepKeys = 96;

/// Stand for what is only known at run time.
static constexpr int64_t kUsualQueries[] = {1024, 2048, 4096};

/// Queries of a narrow tile: 4 x 4 sums of scores keep the multipliers busy.
static constexpr int64_t kNarrowTile = 4;

/// Keys of a part, at least. Results depend on it, so it is no choice of the
/// model's: each part costs as much as a few more keys.
static constexpr int64_t kNarrowKeyPart = 256;

void fovea::attn::ensureParallelDim(AttentionOp op) {
  DomainAttr domain = op.getDomain();
  if (!domain.getDims(DimKind::parallel).empty())
    return;
  MLIRContext *context = op.getContext();
  auto names = llvm::to_vector(domain.getNames());
  auto kinds = llvm::to_vector(domain.getKinds());
  auto bounds = llvm::to_vector(domain.getBounds());
  auto offsets = llvm::to_vector(domain.getOffsets());
  names.push_back(StringAttr::get(context, "_"));
  kinds.push_back(DimKind::parallel);
  bounds.push_back(1);
  offsets.push_back(0);
  unsigned numDims = domain.getNumDims();
  SmallVector<AffineMap> accesses;
  for (auto attr : op.getAccesses().getAsValueRange<AffineMapAttr>())
    accesses.push_back(attr.shiftDims(1, numDims));
  Builder builder(context);
  op.setDomainAttr(DomainAttr::get(context, names, kinds, bounds, offsets));
  op.setAccessesAttr(builder.getAffineMapArrayAttr(accesses));
  // Segments go by the number of dimensions; without them all keys are visited.
  op.removeSegmentsAttr();
}

/// The size of a dimension, where it is known.
static std::optional<int64_t> getSize(AttentionOp op, unsigned dim) {
  int64_t bound = op.getDomain().getBounds()[dim];
  if (ShapedType::isDynamic(bound))
    return std::nullopt;
  return bound;
}

namespace {
/// The candidates for one attention.
class Candidates {
public:
  Candidates(AttentionOp op, const CpuModel &cpu, const GivenSizes &given)
      : op(op), cpu(cpu), given(given), model(op, cpu),
        key(op.getSegments() ? op.getSegments()->getKey()
                             : op.getDomain().getDims(DimKind::key).back()),
        query(*getQueryDim(op)), queries(getSize(op, query)) {}

  SmallVector<ScheduleAttr> get();

private:
  SmallVector<ScheduleAttr> getWide();
  SmallVector<ScheduleAttr> getNarrow();
  int64_t getGroup(unsigned dim, int64_t head, int64_t tile, int64_t bytes);
  int64_t getMinQueries(ScheduleAttr wide, ScheduleAttr narrow);
  ScheduleAttr join(ScheduleAttr wide, int64_t minQueries, ScheduleAttr narrow);

  AttentionOp op;
  CpuModel cpu;
  GivenSizes given;
  CostModel model;
  unsigned key, query;
  std::optional<int64_t> queries;
};
} // namespace

/// What was given, else the choices.
static SmallVector<int64_t> choose(int64_t given, ArrayRef<int64_t> choices) {
  return given ? SmallVector<int64_t>{given} : llvm::to_vector(choices);
}

/// The cheapest first, of equally cheap ones the one that came first.
static SmallVector<ScheduleAttr>
sortByCost(ArrayRef<ScheduleAttr> schedules,
           llvm::function_ref<double(ScheduleAttr)> estimate) {
  SmallVector<std::pair<double, size_t>> order;
  for (auto [place, schedule] : llvm::enumerate(schedules))
    order.emplace_back(estimate(schedule), place);
  llvm::sort(order);
  return llvm::map_to_vector(order,
                             [&](auto each) { return schedules[each.second]; });
}

/// Whether scores depend on the places of query and key, as under ALiBi. Then
/// they may fall so steeply that weights at the far end of a large block are
/// next to nothing, and arithmetic on denormal numbers may be slow.
static bool isPositional(AttentionOp op) {
  return op.getScore()
      .walk([](IndexOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

/// As many tiles as there is room for and as the queries, of all values of the
/// dimension `head` (or -1), fill; one where there is nothing to share.
int64_t Candidates::getGroup(unsigned dim, int64_t head, int64_t tile,
                             int64_t bytes) {
  if (llvm::is_contained(op.getDomain().getBounds(), 0))
    return 1;
  int64_t largest =
      std::clamp<int64_t>(bytes / (tile * model.queryBytes()), 1, kMaxGroup);
  std::optional<int64_t> queries = getSize(op, dim);
  std::optional<int64_t> heads = head < 0 ? 1 : getSize(op, head);
  if (!queries || !heads)
    return largest;
  auto few = [](int64_t count) { return std::min(count, kMaxGroup); };
  return std::clamp<int64_t>(
      few(llvm::divideCeil(*queries, tile)) * few(*heads), 1, largest);
}

/// Tiles that many queries fill, best first.
SmallVector<ScheduleAttr> Candidates::getWide() {
  // Whole tiles of registers and of a matrix unit.
  int64_t multiple =
      std::lcm(cpu.registerRows, std::max<int64_t>(cpu.matrixKeys, 1));
  SmallVector<int64_t> blocks;
  for (uint64_t keys : {48, 96, 144, 192, 288})
    blocks.push_back(llvm::alignTo(keys, multiple));
  int64_t mostSteep = llvm::alignTo(kMostSteepKeys, multiple);
  bool isSteep = isPositional(op);
  int64_t room = cpu.level2Bytes;
  SmallVector<ScheduleAttr> schedules;
  for (int64_t tile : choose(given.queryTile, {2 * cpu.lanes, cpu.lanes}))
    for (int64_t block : choose(given.keyBlock, blocks))
      for (int64_t bytes :
           choose(given.groupBytes,
                  {room / 4, CostModel::kAheadBytes, room / 2})) {
        int64_t left = kMostBytes - model.blockBytes(block, tile);
        if (!given.groupBytes)
          bytes = std::min(bytes, left);
        auto schedule = ScheduleAttr::get(
            op.getContext(), query, tile, key, block,
            getGroup(query, /*head=*/-1, tile, bytes),
            /*headDim=*/-1, /*keyPart=*/0, /*minQueries=*/0, ScheduleAttr());
        if (given.keyBlock || block <= mostSteep || !isSteep ||
            model.hasFastDenormals(schedule))
          schedules.push_back(schedule);
      }
  return sortByCost(schedules, [&](ScheduleAttr schedule) {
    if (queries)
      return model.estimateWide(schedule, *queries);
    double each = 0;
    for (int64_t usual : kUsualQueries)
      each += model.estimateWide(schedule, usual) / usual;
    return each;
  });
}

/// Narrow tiles, of the heads that share each key, if any do, best first.
SmallVector<ScheduleAttr> Candidates::getNarrow() {
  unsigned dim = getSharingDim(op, query).value_or(query);
  std::optional<unsigned> found = getHeadDim(op, dim);
  int64_t head = found ? int64_t(*found) : -1;
  std::optional<int64_t> keys = getSize(op, key);
  int64_t room = cpu.level2Bytes;
  SmallVector<ScheduleAttr> schedules;
  for (int64_t tile : choose(given.narrowTile, {kNarrowTile}))
    for (int64_t block : choose(given.narrowKeyBlock, {16, 8, 32, 64}))
      for (int64_t bytes : choose(given.groupBytes, {room / 4}))
        for (int64_t part : choose(given.narrowKeyPart, {kNarrowKeyPart}))
          schedules.push_back(
              ScheduleAttr::get(op.getContext(), dim, tile, key, block,
                                getGroup(dim, head, tile, bytes), head,
                                keys && *keys <= part ? 0 : part,
                                /*minQueries=*/0, ScheduleAttr()));
  return sortByCost(schedules, [&](ScheduleAttr schedule) {
    return model.estimateNarrow(schedule, queries.value_or(1));
  });
}

/// Where narrow tiles begin to take longer than a wide one.
int64_t Candidates::getMinQueries(ScheduleAttr wide, ScheduleAttr narrow) {
  int64_t step = narrow.getQueryTile(), few = step;
  while (few < wide.getQueryTile() &&
         model.estimateNarrow(narrow, few) < model.estimateWide(wide, few))
    few += step;
  return few;
}

ScheduleAttr Candidates::join(ScheduleAttr wide, int64_t minQueries,
                              ScheduleAttr narrow) {
  return ScheduleAttr::get(
      op.getContext(), wide.getQueryDim(), wide.getQueryTile(),
      wide.getKeyDim(), wide.getKeyBlock(), wide.getQueryGroup(),
      wide.getHeadDim(), wide.getKeyPart(), minQueries, narrow);
}

SmallVector<ScheduleAttr> Candidates::get() {
  SmallVector<ScheduleAttr> wide = getWide(), narrow = getNarrow();
  int64_t minQueries =
      given.minQueries.value_or(getMinQueries(wide[0], narrow[0]));
  if (minQueries == 0)
    return wide;
  SmallVector<ScheduleAttr> all;
  if (queries) {
    bool isWide = *queries >= minQueries;
    all = isWide ? wide : narrow;
    all.push_back(isWide ? narrow[0] : wide[0]);
    return all;
  }
  for (ScheduleAttr each : wide)
    all.push_back(join(each, minQueries, narrow[0]));
  for (ScheduleAttr each : llvm::drop_begin(narrow))
    all.push_back(join(wide[0], minQueries, each));
  if (!given.minQueries)
    for (int64_t other : {minQueries / 2, minQueries * 2})
      all.push_back(join(wide[0], other, narrow[0]));
  return all;
}

SmallVector<ScheduleAttr> fovea::attn::getSchedules(AttentionOp op,
                                                    const CpuModel &cpu,
                                                    const GivenSizes &given) {
  SmallVector<ScheduleAttr> schedules = Candidates(op, cpu, given).get();
  llvm::SmallSetVector<ScheduleAttr, 32> distinct(schedules.begin(),
                                                  schedules.end());
  return llvm::to_vector(distinct);
}
