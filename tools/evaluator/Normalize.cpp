//===- Normalize.cpp - how a row of scores becomes weights ----------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "tools/evaluator/Normalize.h"

#include <cmath>
#include <limits>
#include <numeric>

using namespace mlir;
using namespace fovea;
using namespace fovea::evaluator;

static constexpr double infinity = std::numeric_limits<double>::infinity();
static constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

static bool isKept(double score) { return score != -infinity; }

/// Whether a kept score spoils its row.
static bool isPoison(double score) {
  return std::isnan(score) || score == infinity;
}

std::optional<Normalizer> Normalizer::get(attn::NormalizerAttrInterface attr) {
  if (isa<attn::SoftmaxAttr>(attr))
    return Normalizer(Family::softmax);
  if (isa<attn::RatioAttr>(attr))
    return Normalizer(Family::ratio);
  if (isa<attn::PlainAttr>(attr))
    return Normalizer(Family::plain);
  return std::nullopt;
}

static std::vector<double> getPlainWeights(const std::vector<double> &scores) {
  std::vector<double> weights(scores.size(), 0.0);
  for (size_t key = 0; key < scores.size(); ++key)
    if (isKept(scores[key]))
      weights[key] = scores[key];
  return weights;
}

Row Normalizer::normalize(const std::vector<double> &scores) const {
  if (family == Family::plain)
    return {getPlainWeights(scores), 0.0};
  if (family == Family::ratio) {
    Row row = {getPlainWeights(scores), 0.0};
    double mass = std::accumulate(row.weights.begin(), row.weights.end(), 0.0);
    for (double &weight : row.weights)
      weight = mass == 0.0 ? 0.0 : weight / mass;
    row.logMass = std::log(mass);
    return row;
  }

  double largest = -infinity;
  bool poisoned = false;
  for (double score : scores) {
    poisoned |= isPoison(score);
    largest = std::max(largest, score);
  }
  if (poisoned)
    return {std::vector<double>(scores.size(), notANumber), notANumber};
  Row row = {std::vector<double>(scores.size(), 0.0), -infinity};
  if (!isKept(largest))
    return row;
  double mass = 0.0;
  for (size_t key = 0; key < scores.size(); ++key)
    if (isKept(scores[key]))
      mass += row.weights[key] = std::exp(scores[key] - largest);
  for (double &weight : row.weights)
    weight /= mass;
  row.logMass = largest + std::log(mass);
  return row;
}

std::vector<double> Normalizer::accumulate(const std::vector<double> &scores,
                                           RowState &state,
                                           double &factor) const {
  factor = 1.0;
  if (family == Family::plain)
    return getPlainWeights(scores);
  if (family == Family::ratio) {
    std::vector<double> weights = getPlainWeights(scores);
    state.mass = std::accumulate(weights.begin(), weights.end(), state.mass);
    return weights;
  }

  double largest = state.shift;
  bool poisoned = isPoison(state.shift) || std::isnan(state.mass);
  for (double score : scores) {
    poisoned |= isPoison(score);
    largest = std::max(largest, score);
  }
  std::vector<double> weights(scores.size(), poisoned ? notANumber : 0.0);
  if (poisoned) {
    state = {notANumber, notANumber};
    factor = notANumber;
    return weights;
  }
  if (!isKept(largest))
    return weights;
  factor = isKept(state.shift) ? std::exp(state.shift - largest) : 0.0;
  state.mass *= factor;
  for (size_t key = 0; key < scores.size(); ++key)
    if (isKept(scores[key]))
      state.mass += weights[key] = std::exp(scores[key] - largest);
  state.shift = largest;
  return weights;
}
