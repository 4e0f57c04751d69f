//===- Explain.cpp - What became of a program, as text --------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/explain/Explain.h"

#include "tools/explain/Memory.h"
#include "tools/explain/SegmentCounts.h"
#include "tools/explain/Segments.h"
#include "tools/explain/Work.h"

#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

#include <fmt/format.h>

#include <cmath>

using namespace mlir;
using namespace fovea;
using namespace fovea::attn;
using namespace fovea::explain;

// What a core is taken to do in a cycle, to tell what limits a kernel.
static constexpr double kFmasPerCycle = 2, kMemoryBytesPerCycle = 8;

namespace {
/// Prints the part of a report that is about one entry in graph form.
class EntryReport {
public:
  EntryReport(func::FuncOp entry, const EntryRequest &request,
              const CpuOptions &cpu, SourceLine sourceLine,
              llvm::raw_ostream &os)
      : entry(entry), sizes(entry, request.signature, request.call), cpu(cpu),
        sourceLine(sourceLine), os(os) {}

  void print();

private:
  void item(const std::string &label, const std::string &text) {
    os << fmt::format("  {:<12}{}\n", label, text);
  }
  void more(const std::string &text) { item("", text); }
  std::string place(Location loc) const;
  std::string line(Location loc) const;

  void printAttention(AttentionOp op);
  void printDomain(AttentionOp op);
  void printMask(AttentionOp op);
  void printCounts(AttentionOp op);
  void chooseSchedule(AttentionOp op);
  void printSchedule(AttentionOp op);
  void printWork(AttentionOp op);
  void printLayers();

  func::FuncOp entry;
  Sizes sizes;
  const CpuOptions &cpu;
  SourceLine sourceLine;
  llvm::raw_ostream &os;
  /// Of the attention at hand: the share of pairs of query and key, and of the
  /// keys of tiles, that is visited.
  double visitedPairs = 1, visitedKeys = 1;
  bool hasCounts = false;
  /// Of all attentions so far, and then of the layers.
  bool hasAttention = false;
  Operations total;
};
} // namespace

static bool isZero(const SizePolynomial &amount) {
  return amount.constant() == 0.0;
}

static std::string flopsText(const SizePolynomial &flops) {
  if (std::optional<double> number = flops.constant())
    return amountText(*number, "FLOP");
  return flops.text() + " FLOP";
}

static std::string functionsText(const SizePolynomial &functions) {
  if (std::optional<double> number = functions.constant())
    return countText(std::round(*number)) + " exp and the like";
  return functions.text() + " exp and the like";
}

static std::string sizeText(const SizePolynomial &bytes) {
  if (std::optional<double> number = bytes.constant())
    return bytesText(*number);
  return bytes.text() + " bytes";
}

static std::string percentText(double share) {
  return fmt::format("{:.1f} %", 100 * share);
}

std::string EntryReport::place(Location loc) const {
  auto file = loc->findInstanceOf<FileLineColLoc>();
  if (!file)
    return "unknown place";
  return fmt::format("{}:{}:{}",
                     llvm::sys::path::filename(file.getFilename()).str(),
                     file.getLine(), file.getColumn());
}

std::string EntryReport::line(Location loc) const {
  auto file = loc->findInstanceOf<FileLineColLoc>();
  return file ? sourceLine(file) : "";
}

//===----------------------------------------------------------------------===//
// One attention
//===----------------------------------------------------------------------===//

void EntryReport::printDomain(AttentionOp op) {
  DomainAttr domain = op.getDomain();
  auto bounds = op.getMixedBounds();
  unsigned queryDim = op.getSchedule()->getQueryDim();
  std::vector<std::pair<std::string, std::vector<std::string>>> groups = {
      {"parallel", {}},
      {"query", {}},
      {"key", {}},
      {"contraction", {}},
      {"value", {}}};
  for (unsigned dim = 0; dim < domain.getNumDims(); ++dim) {
    std::string name = domain.getNames()[dim].getValue().str();
    std::string size = sizes.valueOf(bounds[dim]).text();
    unsigned group = dim == queryDim ? 1
                     : domain.isKind(dim, DimKind::parallel)
                         ? 0
                         : 1 + static_cast<unsigned>(domain.getKinds()[dim]);
    groups[group].second.push_back(size == name ? name : name + " = " + size);
  }
  std::vector<std::string> texts;
  for (const auto &[kind, names] : groups)
    if (!names.empty())
      texts.push_back(kind + " " + llvm::join(names, ", "));
  item("dimensions", llvm::join(texts, "; "));
}

void EntryReport::printCounts(AttentionOp op) {
  auto result = countSegments(op, sizes);
  hasCounts = std::holds_alternative<SegmentCounts>(result);
  visitedPairs = visitedKeys = 1;
  if (!hasCounts) {
    const auto &missing = std::get<MissingCounts>(result);
    if (!missing.reason.empty())
      item("keys", "not counted: " + missing.reason);
    else
      item("keys", "to count them give " + llvm::join(missing.options, " "));
    return;
  }
  const auto &counts = std::get<SegmentCounts>(result);
  if (counts.pairs == 0) {
    item("keys", "none");
    return;
  }
  visitedPairs = counts.visited() / counts.pairs;
  visitedKeys = counts.visitedGroupKeys / counts.groupKeys;
  item("keys", fmt::format("{} visited ({} whole, {} partial), {} skipped; "
                           "tiles of {} queries: {}",
                           percentText(visitedPairs),
                           percentText(counts.whole / counts.pairs),
                           percentText(counts.partial / counts.pairs),
                           percentText(1 - visitedPairs),
                           op.getSchedule()->getQueryTile(),
                           countText(static_cast<double>(counts.tiles))));
  more(fmt::format("of {} pairs of query and key: {} whole, {} partial",
                   countText(counts.pairs), countText(counts.whole),
                   countText(counts.partial)));
  if (op.getMask().empty())
    return;
  std::string where;
  if (!counts.mapAtZero.empty())
    where = ", at " + llvm::join(counts.mapAtZero, " = 0, ") + " = 0";
  item("map",
       fmt::format(
           "a row is {} of queries, a column is {}{}",
           counts.tilesPerRow == 1
               ? "a tile"
               : countText(static_cast<double>(counts.tilesPerRow)) + " tiles",
           counts.keysPerColumn == 1
               ? "a key"
               : countText(static_cast<double>(counts.keysPerColumn)) + " keys",
           where));
  more(". skipped  # whole  ? partial  + whole and skipped");
  for (const std::string &row : counts.map)
    more(row);
}

void EntryReport::printMask(AttentionOp op) {
  if (op.getMask().empty()) {
    item("mask", "none: every key is kept");
    printCounts(op);
    return;
  }
  std::vector<std::string> lines;
  op.getMask().walk([&](Operation *inner) {
    bool isCondition = inner->getNumResults() == 1 &&
                       inner->getResult(0).getType().isInteger(1);
    std::string text = isCondition ? line(inner->getLoc()) : "";
    if (!text.empty() && !llvm::is_contained(lines, text))
      lines.push_back(text);
  });
  item("mask", lines.empty() ? "" : lines.front());
  for (const std::string &text : llvm::drop_begin(lines))
    more(text);
  SegmentFormulas formulas = describeSegments(op, sizes);
  auto list = [&](const std::string &label,
                  const std::vector<std::string> &texts) {
    item(label, texts.empty() ? "none" : texts.front());
    for (size_t k = 1; k < texts.size(); ++k)
      more(texts[k]);
  };
  list("visit", formulas.visit);
  list("masked", formulas.masked);
  for (const UnknownCondition &unknown : explainUnknown(op, sizes)) {
    item("unknown", place(unknown.loc) + ": " + unknown.reason +
                        ", so it is evaluated for every key visited");
  }
  printCounts(op);
}

/// Where the sizes decide between two schedules, the one that holds.
void EntryReport::chooseSchedule(AttentionOp op) {
  ScheduleAttr schedule = *op.getSchedule();
  while (schedule.getOtherwise()) {
    auto queries =
        sizes.valueOf(op.getMixedBounds()[schedule.getQueryDim()]).constant();
    if (!queries || *queries >= schedule.getMinQueries())
      break;
    schedule = schedule.getOtherwise();
  }
  op.setScheduleAttr(schedule);
}

void EntryReport::printSchedule(AttentionOp op) {
  ScheduleAttr schedule = *op.getSchedule();
  unsigned lanes = cpu.vectorBits / 32;
  int64_t queries = schedule.getQueryTile();
  bool isNarrow = queries < lanes;
  if (isNarrow) {
    item("schedule", fmt::format("{} queries a tile: keys and columns along "
                                 "registers of {} lanes",
                                 queries, lanes));
  } else {
    item("schedule", fmt::format("{} queries a tile: {} registers of {} lanes",
                                 queries, queries / lanes, lanes));
    more(fmt::format("{} keys a register tile: {} accumulators",
                     cpu.registerRows(),
                     cpu.registerRows() * (queries / lanes)));
  }
  more(fmt::format(
      "{} keys a block: {} of scores", schedule.getKeyBlock(),
      bytesText(static_cast<double>(schedule.getKeyBlock() * queries * 4))));
  if (schedule.getQueryGroup() > 1)
    more(fmt::format(
        "up to {} tiles a group: each block of keys is brought near "
        "once for all of them",
        schedule.getQueryGroup()));
  auto size =
      sizes.valueOf(op.getMixedBounds()[schedule.getQueryDim()]).constant();
  if (ScheduleAttr few = schedule.getOtherwise(); few && !size)
    more(fmt::format(
        "fewer than {} queries: tiles of {} along {} instead",
        schedule.getMinQueries(), few.getQueryTile(),
        op.getDomain().getNames()[few.getQueryDim()].getValue().str()));
  if (!size || *size == 0)
    return;
  double tiles = std::ceil(*size / static_cast<double>(queries));
  more(percentText(*size / (tiles * static_cast<double>(queries))) +
       (isNarrow ? " of the rows hold a query" : " of the lanes hold a query"));
}

void EntryReport::printWork(AttentionOp op) {
  AttentionWork work = measureAttention(op, sizes);
  SizePolynomial trips = sizes.tripsOf(op);
  SizePolynomial pairs = work.queries * work.keys * trips;
  Operations once = work.perQuery * (work.queries * trips);
  Operations dense = work.perPair * pairs;
  dense += once;
  Operations visited = work.perPair * (pairs * SizePolynomial(visitedPairs));
  visited += once;
  total += visited;
  auto runs = trips.constant();
  item("work", (runs && *runs == 1 ? "" : trips.text() + " runs: ") +
                   flopsText(dense.flops) + ", " +
                   functionsText(dense.functions) +
                   ", if every key is visited");
  if (hasCounts && visitedPairs < 1)
    more(flopsText(visited.flops) + ", " + functionsText(visited.functions) +
         ", for the keys visited");

  SizePolynomial streamed = work.perKey * work.groups * work.keys * trips;
  if (hasCounts)
    streamed = streamed * SizePolynomial(visitedKeys);
  SizePolynomial moved = (work.read + work.written) * trips;
  item("bytes", sizeText(work.read * trips) + " of operands, " +
                    sizeText(work.written * trips) + " of results");
  more(sizeText(streamed) + " of keys and values, as every " +
       (op.getSchedule()->getQueryGroup() > 1 ? "group" : "tile") +
       " walks them");
  auto flops = visited.flops.constant(), bytes = moved.constant();
  if (!flops || !bytes || *bytes == 0)
    return;
  double intensity = *flops / *bytes;
  double balance =
      cpu.vectorBits / 32.0 * 2 * kFmasPerCycle / kMemoryBytesPerCycle;
  item("bound",
       fmt::format("{}: {:.1f} FLOP for each byte of operands and results",
                   intensity > balance ? "compute" : "memory", intensity));
  more(fmt::format("(a core of {} FMAs and {} bytes of memory a cycle is even "
                   "at {:.1f})",
                   kFmasPerCycle, kMemoryBytesPerCycle, balance));
}

void EntryReport::printAttention(AttentionOp op) {
  hasAttention = true;
  os << "\nattention " << place(op.getLoc()) << '\n';
  if (std::string text = line(op.getLoc()); !text.empty())
    os << "  " << text << '\n';
  chooseSchedule(op);
  printDomain(op);
  printMask(op);
  printSchedule(op);
  printWork(op);
}

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

void EntryReport::printLayers() {
  std::vector<Layer> layers = measureLayers(entry, sizes);
  if (layers.empty())
    return;
  os << "\nlayers\n";
  Operations sums[3];
  for (const Layer &layer : layers) {
    sums[static_cast<unsigned>(layer.kind)] += layer.work;
    if (layer.kind != LayerKind::Product)
      continue;
    std::string weights;
    SizePolynomial bytes = layer.weightBytes * layer.trips;
    if (!isZero(bytes))
      weights = ", weights " + sizeText(bytes);
    os << "  " << place(layer.loc) << "  " << line(layer.loc) << '\n';
    more(fmt::format("{} x ({}): {}{}", layer.trips.text(true), layer.shape,
                     flopsText(layer.work.flops), weights));
  }
  const char *const names[] = {"products", "other sums", "elementwise"};
  for (auto [name, sum] : llvm::zip_equal(names, sums)) {
    total += sum;
    bool hasFunctions = !isZero(sum.functions);
    if (hasFunctions || !isZero(sum.flops))
      item(name, flopsText(sum.flops) +
                     (hasFunctions ? ", " + functionsText(sum.functions) : ""));
  }
  item("total",
       flopsText(total.flops) + (hasAttention ? ", attention included" : ""));
}

void EntryReport::print() {
  os << place(entry.getLoc()) << ": entry " << entry.getName() << ", for "
     << cpu.name << " with " << cpu.vectorBits << "-bit vectors\n";
  entry.walk([&](AttentionOp op) { printAttention(op); });
  printLayers();
}

//===----------------------------------------------------------------------===//
// Programs
//===----------------------------------------------------------------------===//

static LogicalResult
runPhases(ModuleOp program, const CpuOptions &cpu,
          ArrayRef<void (*)(OpPassManager &, const PipelineOptions &)> phases) {
  PassManager pm(program.getContext());
  PipelineOptions options;
  options.cpu = cpu;
  for (auto populate : phases)
    populate(pm, options);
  return pm.run(program);
}

LogicalResult explain::explainProgram(ModuleOp program,
                                      ArrayRef<EntryRequest> entries,
                                      const CpuOptions &cpu,
                                      SourceLine sourceLine,
                                      llvm::raw_ostream &os) {
  if (failed(runPhases(
          program, cpu,
          {populateGraphPhase, populateSegmentsPhase, populateSchedulePhase})))
    return failure();
  std::vector<std::string> reports;
  for (const EntryRequest &request : entries) {
    auto entry = program.lookupSymbol<func::FuncOp>(request.signature.name);
    llvm::raw_string_ostream stream(reports.emplace_back());
    EntryReport(entry, request, cpu, sourceLine, stream).print();
  }

  FailureOr<ProgramParams> params = readParams(program);
  if (failed(params) ||
      failed(runPhases(
          program, cpu,
          {populateBufferizePhase, populateTilePhase, populateVectorPhase})))
    return failure();
  for (auto [request, report] : llvm::zip_equal(entries, reports)) {
    auto entry = program.lookupSymbol<func::FuncOp>(request.signature.name);
    Sizes sizes(entry, request.signature, request.call);
    FailureOr<CallMemory> memory = measureCall(entry, sizes);
    if (failed(memory))
      return failure();
    llvm::raw_string_ostream stream(report);
    auto item = [&](const std::string &label, const std::string &text) {
      stream << fmt::format("  {:<12}{}\n", label, text);
    };
    stream << "\nmemory\n";
    WeightMemory weights = measureWeights(*params);
    if (weights.tensors != 0)
      item("weights", fmt::format("{} in {} tensors, {} as they are held",
                                  sizeText(weights.plain), weights.tensors,
                                  sizeText(weights.held)));
    item("workspace", sizeText(memory->workspace) + " for a session");
    item("scratch", sizeText(memory->scratch) + " for a thread");
  }
  os << llvm::join(reports, "\n");
  return success();
}
