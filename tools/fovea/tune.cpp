//===- tune.cpp - fovea tune: which schedules are fastest here ------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/schedule/Candidates.h"
#include "tools/emit/Compile.h"
#include "tools/emit/Jit.h"
#include "tools/fovea/Command.h"
#include "tools/fovea/Entry.h"
#include "tools/fovea/Inputs.h"
#include "tools/fovea/Options.h"
#include "tools/fovea/Race.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

using namespace fovea;
using namespace fovea::tool;
namespace cl = llvm::cl;

static cl::SubCommand parser("tune",
                             "Measure the schedules of an entry's attentions, "
                             "and keep the fastest for `--schedules`");
static ProgramOptions options(parser);
static EntryOptions chosen(parser);
static RunOptions running(parser);
static cl::opt<std::string>
    output("o", cl::value_desc("file"),
           cl::desc("Keep the schedules here, beside those that are there for "
                    "other CPUs and attentions"),
           cl::sub(parser));
static cl::opt<unsigned> rounds("rounds", cl::value_desc("n"), cl::init(9),
                                cl::desc("Samples of each schedule (default: "
                                         "9)"),
                                cl::sub(parser));

static cl::opt<bool> list("list",
                          cl::desc("Measure nothing: print a line for each "
                                   "schedule, the model's first, with place, "
                                   "CPU and fingerprint"),
                          cl::sub(parser));

/// Another schedule has to save as much of the time to be preferred to the
/// model's: less may be chance.
static constexpr double kLeastGain = 0.01;

/// So many of the fastest are measured again beside the model's.
static constexpr size_t kFinalists = 3;

/// Of an attention's schedules, the fastest ones; and the model's.
static constexpr size_t kMostShown = 8;

namespace {
/// What an entry computes once or several times, and its schedules.
struct TunedAttention {
  std::string fingerprint;
  std::string place; // file:line
  std::vector<std::string> schedules;
};

/// A candidate in memory, ready to run.
struct Contender {
  emit::LoadedObject object;
  Invocation invocation;
};

/// Measures the attentions of one entry.
class Tuner {
public:
  Tuner(mlir::ModuleOp program, const attn::EntrySignature &entry,
        emit::Target &target)
      : program(program), entry(entry), target(target),
        prefix(emit::defaultPrefix(options.file)) {}

  /// Reads the attentions of the entry; prints what is wrong, gives the exit
  /// status.
  int findAttentions();

  /// Prints what `--list` asks for.
  void print() const;

  /// Finds the fastest schedule of each attention, one after the other, and
  /// writes it. Prints what is measured, and what is wrong; gives the exit
  /// status.
  int run(std::vector<HostTensor> &operands, const fovea_weights *params,
          attn::MeasuredSchedules &found);

private:
  int measure(const TunedAttention &attention, attn::MeasuredSchedules &found);
  int load(const attn::MeasuredSchedules &schedules,
           std::vector<Contender> &contenders);

  mlir::ModuleOp program;
  const attn::EntrySignature &entry;
  emit::Target &target;
  std::string prefix;
  std::vector<HostTensor> *inputs = nullptr;
  const fovea_weights *weights = nullptr;
  std::vector<TunedAttention> attentions;
};
} // namespace

/// Writes what was found so far; gives the exit status.
static int write(const attn::MeasuredSchedules &found) {
  llvm::Error error = emit::writeFile(output, found.toJson());
  return error ? fail(std::move(error)) : 0;
}

static std::string getPlace(mlir::Location loc) {
  auto file = loc->findInstanceOf<mlir::FileLineColLoc>();
  if (!file)
    return "attention";
  return (llvm::sys::path::filename(file.getFilename().getValue()) + ":" +
          llvm::Twine(file.getLine()))
      .str();
}

static std::string getText(mlir::Attribute attribute) {
  std::string text;
  llvm::raw_string_ostream(text) << attribute;
  return text;
}

int Tuner::findAttentions() {
  mlir::OwningOpRef<mlir::ModuleOp> copy = program.clone();
  emit::Timing untimed;
  if (failed(emit::runPhases(*copy, target, prefix, untimed,
                             attn::Phase::Segments)))
    return 1;
  attn::CpuModel model = target.cpu.model();
  auto function = copy->lookupSymbol<mlir::func::FuncOp>(entry.name);
  function.walk([&](attn::AttentionOp op) {
    std::string fingerprint = attn::getFingerprint(op);
    if (llvm::any_of(attentions, [&](const TunedAttention &other) {
          return other.fingerprint == fingerprint;
        }))
      return;
    TunedAttention attention{fingerprint, getPlace(op.getLoc()), {}};
    attn::ensureParallelDim(op);
    for (attn::ScheduleAttr schedule : attn::getSchedules(op, model))
      attention.schedules.push_back(getText(schedule));
    attentions.push_back(std::move(attention));
  });
  if (attentions.empty())
    return fail(llvm::createStringError("expected an entry with an attention "
                                        "to tune, but '" +
                                        entry.name + "' has none"));
  return 0;
}

void Tuner::print() const {
  for (const TunedAttention &attention : attentions)
    for (const std::string &schedule : attention.schedules)
      llvm::outs() << attention.place << ' ' << target.cpu.key() << ' '
                   << attention.fingerprint << ' ' << schedule << '\n';
}

/// Compiles the program with these schedules, and prepares the entry.
int Tuner::load(const attn::MeasuredSchedules &schedules,
                std::vector<Contender> &contenders) {
  target.cpu.schedules =
      std::make_shared<const attn::MeasuredSchedules>(schedules);
  emit::Timing untimed;
  auto object = emit::compileCode(program, target, prefix,
                                  emit::CodeKind::Object, untimed);
  if (failed(object))
    return 1;
  auto loaded =
      emit::LoadedObject::load({object->data(), object->size()}, prefix);
  if (!loaded)
    return fail(loaded.takeError());
  auto invocation =
      Invocation::prepare(loaded->program(), entry.name, *inputs, weights,
                          static_cast<int>(running.threads));
  if (!invocation)
    return fail(invocation.takeError());
  contenders.push_back({std::move(*loaded), std::move(*invocation)});
  return 0;
}

int Tuner::measure(const TunedAttention &attention,
                   attn::MeasuredSchedules &found) {
  auto with = [&](const std::string &schedule) {
    attn::MeasuredSchedules result = found;
    result.set(target.cpu.key(), attention.fingerprint,
               {attention.place, schedule});
    return result;
  };
  std::vector<Contender> contenders;
  for (const std::string &schedule : attention.schedules)
    if (int status = load(with(schedule), contenders))
      return status;
  auto raceOf = [&](llvm::ArrayRef<size_t> entrants) {
    return race(
        llvm::map_to_vector(
            entrants, [&](size_t k) { return &contenders[k].invocation; }),
        rounds);
  };
  auto order = llvm::to_vector(llvm::seq<size_t>(0, contenders.size()));
  auto seconds = raceOf(order);
  if (!seconds)
    return fail(seconds.takeError());
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::pair((*seconds)[a], a) < std::pair((*seconds)[b], b);
  });
  llvm::outs() << attention.place << ": " << order.size() << " schedules\n";
  for (auto [rank, k] : llvm::enumerate(order))
    if (rank < kMostShown || k == 0)
      llvm::outs() << llvm::format("  %9.3f ms  ", (*seconds)[k] * 1e3)
                   << attention.schedules[k]
                   << (k == 0 ? "  (the model's)\n" : "\n");

  // The least of many medians is so by chance too: what counts is a second
  // race.
  llvm::SmallVector<size_t> finalists = {0};
  for (size_t k : order)
    if (k != 0 && finalists.size() <= kFinalists)
      finalists.push_back(k);
  auto last = raceOf(finalists);
  if (!last)
    return fail(last.takeError());
  size_t best = std::min_element(last->begin(), last->end()) - last->begin();
  double gain = 1 - (*last)[best] / last->front();
  best = gain < kLeastGain ? 0 : finalists[best];
  llvm::outs() << llvm::format("  measured again, the fastest saves %.1f %% of "
                               "the time of the model's; kept: ",
                               gain * 100)
               << (best ? attention.schedules[best] : "the model's") << '\n';
  for (Contender &contender : contenders)
    if (const std::string &text = contender.invocation.getWarning();
        !text.empty()) {
      llvm::errs() << "fovea: warning: " << text << '\n';
      break;
    }
  found = with(attention.schedules[best]);
  return 0;
}

int Tuner::run(std::vector<HostTensor> &operands, const fovea_weights *params,
               attn::MeasuredSchedules &found) {
  inputs = &operands;
  weights = params;
  for (const TunedAttention &attention : attentions)
    if (int status = measure(attention, found);
        status || (status = write(found)))
      return status;
  return 0;
}

/// Measures and keeps the schedules.
static int tune(Tuner &tuner, const attn::EntrySignature &entry,
                const InputRequest &request) {
  attn::MeasuredSchedules schedules;
  if (llvm::sys::fs::exists(output)) {
    auto read = readSchedules(output);
    if (!read)
      return fail(read.takeError());
    schedules = std::move(*read);
  }
  auto inputs = makeInputs(entry, request);
  if (!inputs)
    return fail(inputs.takeError());
  auto weights = openWeights(running.weights);
  if (!weights)
    return fail(weights.takeError());
  // Before minutes of measuring: can it be written at all?
  if (int status = write(schedules))
    return status;
  return tuner.run(*inputs, weights->get(), schedules);
}

static int run() {
  if ((output.empty() || output == "-") && !list)
    return fail(llvm::createStringError("expected -o FILE for the schedules"));
  if (!options.schedules.empty())
    return fail(
        llvm::createStringError("expected no --schedules: what -o names "
                                "is read, and written again"));
  if (rounds == 0)
    return fail(llvm::createStringError("expected --rounds of at least 1"));
  auto request = parseInputs(chosen, running);
  if (!request)
    return fail(request.takeError());
  auto target = options.makeTarget(/*isRun=*/!list);
  if (!target)
    return fail(target.takeError());
  LoadedProgram program;
  attn::EntrySignature entry;
  if (int status = loadEntry(options, chosen, program, entry))
    return status;
  Tuner tuner(program.get(), entry, *target);
  if (int status = tuner.findAttentions())
    return status;
  if (!list)
    return tune(tuner, entry, *request);
  tuner.print();
  return 0;
}

const tool::Command tool::tuneCommand = {&parser, run};
