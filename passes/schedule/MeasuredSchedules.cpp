//===- MeasuredSchedules.cpp - Schedules that were measured ---------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/schedule/MeasuredSchedules.h"

#include "passes/schedule/Candidates.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace fovea::attn;
namespace json = llvm::json;

/// Of the file's form.
static constexpr int64_t kVersion = 1;

std::string fovea::attn::getFingerprint(AttentionOp op) {
  // Printed alone, what comes from outside of the op has no name, and so does
  // not count.
  OwningOpRef<AttentionOp> copy = op.clone();
  copy->removeScheduleAttr();
  std::string text;
  llvm::raw_string_ostream stream(text);
  copy->getOperation()->print(stream, OpPrintingFlags()
                                          .useLocalScope()
                                          .enableDebugInfo(false)
                                          .assumeVerified());
  return llvm::utohexstr(llvm::xxh3_64bits(text), /*LowerCase=*/true,
                         /*Width=*/16);
}

//===----------------------------------------------------------------------===//
// The file
//===----------------------------------------------------------------------===//

namespace {
struct FileEntry {
  std::string cpu, fingerprint, attention, schedule;
};
struct File {
  int64_t version = 0;
  std::vector<FileEntry> schedules;
};

bool fromJSON(const json::Value &value, FileEntry &entry, json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("cpu", entry.cpu) &&
         map.map("fingerprint", entry.fingerprint) &&
         map.map("attention", entry.attention) &&
         map.map("schedule", entry.schedule);
}

bool fromJSON(const json::Value &value, File &file, json::Path path) {
  json::ObjectMapper map(value, path);
  return map && map.map("version", file.version) &&
         map.map("schedules", file.schedules);
}
} // namespace

llvm::Expected<MeasuredSchedules> MeasuredSchedules::parse(StringRef text,
                                                           StringRef path) {
  auto file = json::parse<File>(text);
  if (!file)
    return llvm::createStringError(
        "expected schedules in '" + path +
        "', as 'fovea tune' writes them: " + llvm::toString(file.takeError()));
  if (file->version != kVersion)
    return llvm::createStringError(
        "expected schedules of version " + llvm::Twine(kVersion) + " in '" +
        path + "', but found version " + llvm::Twine(file->version));
  MeasuredSchedules result;
  for (FileEntry &entry : file->schedules) {
    // The parser of attributes calls itself for each level.
    constexpr size_t longest = 4096;
    if (entry.schedule.size() > longest)
      return llvm::createStringError("expected schedules of at most " +
                                     llvm::Twine(longest) + " characters in '" +
                                     path + "', but found one of " +
                                     llvm::Twine(entry.schedule.size()));
    result.set(entry.cpu, entry.fingerprint,
               {std::move(entry.attention), std::move(entry.schedule)});
  }
  return result;
}

std::string MeasuredSchedules::toJson() const {
  json::Array list;
  for (const auto &[key, entry] : entries)
    list.push_back(json::Object{{"cpu", key.first},
                                {"fingerprint", key.second},
                                {"attention", json::fixUTF8(entry.attention)},
                                {"schedule", entry.schedule}});
  json::Value file =
      json::Object{{"version", kVersion}, {"schedules", std::move(list)}};
  return llvm::formatv("{0:2}\n", file);
}

void MeasuredSchedules::set(StringRef cpu, StringRef fingerprint, Entry entry) {
  entries[{cpu.str(), fingerprint.str()}] = std::move(entry);
}

const MeasuredSchedules::Entry *
MeasuredSchedules::find(StringRef cpu, StringRef fingerprint) const {
  auto found = entries.find({cpu.str(), fingerprint.str()});
  return found == entries.end() ? nullptr : &found->second;
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

/// Gives the attention the schedule that `text` spells, if it fits; else says
/// why not.
static LogicalResult setSchedule(AttentionOp op, const std::string &text) {
  std::string reason = "it is no #attn.schedule";
  {
    // What the parser and the verifier say has no place in the program.
    ScopedDiagnosticHandler handler(
        op.getContext(), [&](Diagnostic &found) { reason = found.str(); });
    if (auto schedule = dyn_cast_or_null<ScheduleAttr>(
            parseAttribute(text, op.getContext()))) {
      ensureParallelDim(op);
      op.setScheduleAttr(schedule);
      if (succeeded(verify(op, /*verifyRecursively=*/false)))
        return success();
    }
  }
  return op.emitError() << "expected a measured schedule that fits this "
                           "attention, but found '"
                        << text << "': " << reason;
}

namespace {
struct ApplySchedulesPass
    : PassWrapper<ApplySchedulesPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ApplySchedulesPass)

  ApplySchedulesPass(std::shared_ptr<const MeasuredSchedules> schedules,
                     std::string cpu)
      : schedules(std::move(schedules)), cpu(std::move(cpu)) {}

  StringRef getArgument() const override { return "attn-apply-schedules"; }
  StringRef getDescription() const override {
    return "Take the schedules that were measured";
  }

  void runOnOperation() override {
    WalkResult result = getOperation()->walk([&](AttentionOp op) {
      const auto *entry = schedules->find(cpu, getFingerprint(op));
      return !entry || succeeded(setSchedule(op, entry->schedule))
                 ? WalkResult::advance()
                 : WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }

  std::shared_ptr<const MeasuredSchedules> schedules;
  std::string cpu;
};
} // namespace

std::unique_ptr<Pass> fovea::attn::createApplySchedulesPass(
    std::shared_ptr<const MeasuredSchedules> schedules, std::string cpu) {
  return std::make_unique<ApplySchedulesPass>(std::move(schedules),
                                              std::move(cpu));
}
