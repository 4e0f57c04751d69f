//===- Race.cpp - Which of several invocations is fastest -----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/fovea/Race.h"

#include <algorithm>

using namespace fovea;
using namespace fovea::tool;

/// A sample lasts as long, or is one run: shorter ones would show the clock.
static constexpr double kSampleSeconds = 0.005;

/// One whose median is so much above the best after `kTrialRounds` is behind.
static constexpr double kBehind = 1.1;
static constexpr unsigned kTrialRounds = 3;

namespace {
struct Runner {
  explicit Runner(Invocation &invocation) : invocation(&invocation) {}

  Invocation *invocation;
  unsigned runs = 1; // of a sample
  bool isOut = false;
  std::vector<double> samples;

  llvm::Error warmUp();
  llvm::Error sample();
  double median() const;
};
} // namespace

/// Takes the memory, and finds out how many runs make a sample.
llvm::Error Runner::warmUp() {
  for (int run = 0; run < 2; ++run) {
    auto seconds = invocation->run();
    if (!seconds)
      return seconds.takeError();
    constexpr double clock = 1e-7;
    runs = static_cast<unsigned>(
        std::max(1.0, kSampleSeconds / std::max(*seconds, clock)));
  }
  return llvm::Error::success();
}

llvm::Error Runner::sample() {
  double sum = 0;
  for (unsigned run = 0; run < runs; ++run) {
    auto seconds = invocation->run();
    if (!seconds)
      return seconds.takeError();
    sum += *seconds;
  }
  samples.push_back(sum / runs);
  return llvm::Error::success();
}

double Runner::median() const {
  std::vector<double> sorted = samples;
  auto middle = sorted.begin() + sorted.size() / 2;
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

llvm::Expected<std::vector<double>>
tool::race(llvm::ArrayRef<Invocation *> invocations, unsigned rounds) {
  std::vector<Runner> runners;
  for (Invocation *invocation : invocations) {
    runners.emplace_back(*invocation);
    if (llvm::Error error = runners.back().warmUp())
      return error;
  }
  for (unsigned round = 0; round < rounds; ++round) {
    for (Runner &runner : runners)
      if (!runner.isOut)
        if (llvm::Error error = runner.sample())
          return error;
    if (round + 1 < kTrialRounds)
      continue;
    double best = runners.front().median();
    for (const Runner &runner : runners)
      best = std::min(best, runner.median());
    for (Runner &runner : llvm::drop_begin(runners))
      runner.isOut = runner.isOut || runner.median() > kBehind * best;
  }
  std::vector<double> medians;
  for (const Runner &runner : runners)
    medians.push_back(runner.median());
  return medians;
}
