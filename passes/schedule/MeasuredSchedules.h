//===- MeasuredSchedules.h - Schedules that were measured -------*- C++ -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_SCHEDULE_MEASUREDSCHEDULES_H
#define FOVEA_PASSES_SCHEDULE_MEASUREDSCHEDULES_H

#include "dialect/Attn.h"

#include "mlir/Pass/Pass.h"
#include "llvm/Support/Error.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace fovea::attn {

/// Names what an attention computes, before it has a schedule: two have the
/// same fingerprint if only their operands differ.
std::string getFingerprint(AttentionOp op);

/// Schedules by CPU and attention, as `fovea tune` found them to be fastest.
class MeasuredSchedules {
public:
  struct Entry {
    /// Where the attention stood when it was measured, for people.
    std::string attention;
    /// The text of a ScheduleAttr.
    std::string schedule;
  };

  /// Reads the JSON of `toJson`. Errors name `path`.
  static llvm::Expected<MeasuredSchedules> parse(llvm::StringRef text,
                                                 llvm::StringRef path);

  /// An object with the number `version` and the list `schedules` of objects
  /// with the strings `cpu`, `fingerprint`, `attention` and `schedule`.
  std::string toJson() const;

  /// Takes the place of what there was for this CPU and attention.
  void set(llvm::StringRef cpu, llvm::StringRef fingerprint, Entry entry);

  /// Null where there is none.
  const Entry *find(llvm::StringRef cpu, llvm::StringRef fingerprint) const;

private:
  std::map<std::pair<std::string, std::string>, Entry> entries;
};

/// Gives each attention the schedule that was measured for it on `cpu`, where
/// there is one; diagnoses one that does not fit.
std::unique_ptr<mlir::Pass>
createApplySchedulesPass(std::shared_ptr<const MeasuredSchedules> schedules,
                         std::string cpu);

} // namespace fovea::attn

#endif // FOVEA_PASSES_SCHEDULE_MEASUREDSCHEDULES_H
