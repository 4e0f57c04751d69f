//===- Quotients.cpp - Weights as shares of their sum ---------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Quotients.h"
#include "frontend/LinearForms.h"
#include <cmath>

using namespace fovea::frontend;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::SmallVectorImpl;

//===----------------------------------------------------------------------===//
// Products and sums as lists
//===----------------------------------------------------------------------===//

namespace {
/// A factor or a term, and whether it divides or is subtracted.
struct Part {
  const Node *node;
  bool isInverse;
};
/// A product of reals: what is above the line, and what is below it.
struct Product {
  SmallVector<const Node *> above, below;
};
} // namespace

static const Node *asReal(IndexGraph &graph, const Node *node) {
  return node->elem == Elem::Int
             ? graph.apply(NodeOp::ToReal, Elem::Real, node, node->loc)
             : node;
}

/// What `combine` and its `inverse` combine in `root`, from left to right,
/// below any number of negations if `negations` counts them.
static SmallVector<Part> partsOf(const Node *root, NodeOp combine,
                                 NodeOp inverse,
                                 SmallVectorImpl<const Node *> *negations) {
  SmallVector<Part> parts, stack{{root, false}};
  while (!stack.empty()) {
    auto [node, isInverse] = stack.pop_back_val();
    bool isReal = node->elem == Elem::Real;
    if (isReal && (node->op == combine || node->op == inverse)) {
      stack.push_back({node->operands[1], isInverse != (node->op == inverse)});
      stack.push_back({node->operands[0], isInverse});
    } else if (isReal && negations && node->op == NodeOp::Negate) {
      negations->push_back(node);
      stack.push_back({node->operands[0], isInverse});
    } else {
      parts.push_back({node, isInverse});
    }
  }
  return parts;
}

static Product factorsOf(IndexGraph &graph, const Node *root) {
  SmallVector<const Node *> negations;
  SmallVector<Part> factors =
      partsOf(root, NodeOp::Multiply, NodeOp::Divide, &negations);
  Product product;
  for (const Node *negation : negations)
    product.above.push_back(graph.real(-1, negation->loc));
  for (auto [factor, isBelow] : factors)
    (isBelow ? product.below : product.above).push_back(factor);
  return product;
}

static SmallVector<Part> termsOf(const Node *root) {
  return partsOf(root, NodeOp::Add, NodeOp::Subtract, /*negations=*/nullptr);
}

static const Node *build(IndexGraph &graph, const Product &product,
                         llvm::SMLoc loc) {
  const Node *result = nullptr;
  for (const Node *factor : product.above)
    result = result ? graph.apply(NodeOp::Multiply, Elem::Real,
                                  {result, asReal(graph, factor)}, factor->loc)
                    : asReal(graph, factor);
  if (!result)
    result = graph.real(1, loc);
  for (const Node *factor : product.below)
    result = graph.apply(NodeOp::Divide, Elem::Real,
                         {result, asReal(graph, factor)}, factor->loc);
  return result;
}

/// The terms but for `without`, added up; null for none.
static const Node *restOf(IndexGraph &graph, ArrayRef<Part> terms,
                          const Node *without) {
  const Node *rest = nullptr;
  for (auto [term, isNegative] : terms) {
    if (term == without)
      continue;
    const Node *real = asReal(graph, term);
    if (rest)
      rest = graph.apply(isNegative ? NodeOp::Subtract : NodeOp::Add,
                         Elem::Real, {rest, real}, term->loc);
    else
      rest = isNegative
                 ? graph.apply(NodeOp::Negate, Elem::Real, real, term->loc)
                 : real;
  }
  return rest;
}

//===----------------------------------------------------------------------===//
// Families
//===----------------------------------------------------------------------===//

/// `weight` as exp of a score; null when it is none.
static const Node *logarithmOfWeight(IndexGraph &graph, const Node *weight) {
  Product product = factorsOf(graph, weight);
  const Node *score = nullptr;
  auto add = [&](NodeOp op, const Node *factor) {
    const Node *exponent = factor->operands[0];
    if (factor->op == NodeOp::Exp2)
      exponent = graph.apply(NodeOp::Multiply, Elem::Real,
                             {exponent, graph.real(std::log(2.0), factor->loc)},
                             factor->loc);
    if (score)
      score = graph.apply(op, Elem::Real, {score, exponent}, factor->loc);
    else
      score = op == NodeOp::Add ? exponent
                                : graph.apply(NodeOp::Negate, Elem::Real,
                                              exponent, factor->loc);
  };
  auto isExp = [](const Node *node) {
    return node->op == NodeOp::Exp || node->op == NodeOp::Exp2;
  };
  if (!llvm::all_of(product.above, isExp) ||
      !llvm::all_of(product.below, isExp))
    return nullptr;
  for (const Node *factor : product.above)
    add(NodeOp::Add, factor);
  for (const Node *factor : product.below)
    add(NodeOp::Subtract, factor);
  return score;
}

const Node *fovea::frontend::logarithmAs(IndexGraph &graph, NodeOp op,
                                         const Node *natural) {
  if (op == NodeOp::Log)
    return natural;
  return graph.apply(NodeOp::Multiply, Elem::Real,
                     {natural, graph.real(1 / std::log(2.0), natural->loc)},
                     natural->loc);
}

/// The number that `node` is, if it is one.
static std::optional<double> constantOf(const Node *node) {
  if (node->op == NodeOp::ToReal)
    node = node->operands[0];
  if (node->op == NodeOp::Real)
    return node->real;
  if (std::optional<int64_t> value = node->asInteger())
    return static_cast<double>(*value);
  return std::nullopt;
}

/// The normalizer of weights whose sum is `sum`, with `rest` beside it.
static NormalizerForm formOf(IndexGraph &graph, const Node *sum,
                             const Node *rest) {
  NormalizerForm form;
  form.source = sum;
  form.mask = sum->condition();
  std::optional<double> constant;
  if (rest)
    constant = constantOf(rest);
  if (const Node *score = logarithmOfWeight(graph, sum->body())) {
    form.kind = NormalizerKind::Softmax;
    form.score = score;
    if (!rest || constant == 0.0)
      return form;
    form.sink = constant && *constant > 0
                    ? graph.real(std::log(*constant), rest->loc)
                    : logarithmOfWeight(graph, rest);
    if (!form.sink)
      form.sink = graph.apply(NodeOp::Log, Elem::Real, rest, rest->loc);
    return form;
  }
  form.kind = NormalizerKind::Ratio;
  form.score = sum->body();
  if (constant != 0.0)
    form.sink = rest;
  return form;
}

std::optional<NormalizerForm>
fovea::frontend::normalizerOfWord(const Node *node) {
  if (node->op != NodeOp::Softmax && node->op != NodeOp::LogSumExp)
    return std::nullopt;
  return NormalizerForm{NormalizerKind::Softmax, node, node->body(),
                        node->condition(), nullptr};
}

std::optional<NormalizerForm>
fovea::frontend::normalizerOfStatistic(const Node *node) {
  if ((node->op != NodeOp::Maximum && node->op != NodeOp::ArgMax) ||
      node->body()->elem != Elem::Real)
    return std::nullopt;
  return NormalizerForm{NormalizerKind::Plain, node, node->body(),
                        node->condition(), nullptr};
}

std::optional<NormalizerForm>
fovea::frontend::normalizerOfLogarithm(IndexGraph &graph, const Node *node) {
  if (node->op != NodeOp::Log)
    return std::nullopt;
  SmallVector<Part> terms = termsOf(node->operands[0]);
  for (auto [term, isNegative] : terms) {
    if (term->op != NodeOp::Sum || isNegative)
      continue;
    const Node *rest = restOf(graph, terms, term);
    if (rest && rest->hasBinder)
      continue;
    NormalizerForm form = formOf(graph, term, rest);
    if (form.kind == NormalizerKind::Softmax)
      return form;
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Quotients
//===----------------------------------------------------------------------===//

WeighedValue fovea::frontend::splitPlainSum(IndexGraph &graph,
                                            const Node *sum) {
  const Node *score = nullptr, *value = nullptr;
  SmallVector<const Node *> stack{sum->body()};
  while (!stack.empty()) {
    const Node *node = stack.pop_back_val();
    if (node->op == NodeOp::Multiply && node->hasBinder) {
      stack.push_back(node->operands[1]);
      stack.push_back(node->operands[0]);
      continue;
    }
    const Node *&side = node->hasBinder ? score : value;
    side = side ? graph.apply(NodeOp::Multiply, Elem::Real, {side, node},
                              node->loc)
                : node;
  }
  if (!score)
    score = graph.real(1, sum->loc);
  if (!value)
    value = graph.real(1, sum->loc);
  return {{NormalizerKind::Plain, sum, score, sum->condition(), nullptr},
          value};
}

/// Whether two binders bind indices of the same names and ranges.
static bool haveSameKeys(const Node *a, const Node *b) {
  return a->bound.size() == b->bound.size() &&
         llvm::all_of(llvm::zip(a->bound, b->bound), [](auto pair) {
           auto [x, y] = pair;
           return x->name == y->name && *x->extent == *y->extent;
         });
}

/// The sum over the keys of `sum` that is a term of `divisor`.
static const Node *keySumIn(const Node *divisor, const Node *sum) {
  if (!divisor->hasBinder)
    return nullptr;
  for (auto [term, isNegative] : termsOf(divisor))
    if (term->op == NodeOp::Sum && !isNegative && haveSameKeys(term, sum))
      return term;
  return nullptr;
}

/// `sum` with its body divided by `divisors`, which may hold binders.
static const Node *divideBody(IndexGraph &graph, const Node *sum,
                              ArrayRef<const Node *> divisors) {
  IndexMap map;
  SmallVector<const IndexVar *> indices;
  for (const IndexVar *var : sum->bound) {
    indices.push_back(graph.makeIndex(var->name, var->extent, var->loc));
    map[var] = graph.index(indices.back(), sum->loc);
  }
  const Node *body = graph.substitute(sum->body(), map);
  for (const Node *divisor : divisors)
    body =
        graph.apply(NodeOp::Divide, Elem::Real, {body, divisor}, divisor->loc);
  return graph.bind(NodeOp::Sum, Elem::Real, indices, body,
                    graph.substitute(sum->condition(), map), sum->loc);
}

const Node *fovea::frontend::moveDivisorsIntoSums(IndexGraph &graph,
                                                  const Node *root) {
  auto enter = [](const Node *node) { return !isBinder(node->op); };
  llvm::DenseMap<const Node *, const Node *> replaced;
  for (const Node *node : reachable(root, enter)) {
    const Node *&result = replaced[node];
    result = node;
    if (!enter(node) || !node->hasBinder)
      continue;
    SmallVector<const Node *> operands;
    for (const Node *operand : node->operands)
      operands.push_back(replaced.lookup(operand));
    result = graph.withOperands(node, operands);
    if (node->op != NodeOp::Divide && node->op != NodeOp::Multiply)
      continue;
    Product product = factorsOf(graph, result);
    for (const Node *&factor : product.above) {
      if (factor->op != NodeOp::Sum || factor->elem != Elem::Real)
        continue;
      SmallVector<const Node *> moved;
      llvm::erase_if(product.below, [&](const Node *divisor) {
        bool isSum = keySumIn(divisor, factor) != nullptr;
        if (isSum)
          moved.push_back(divisor);
        return isSum;
      });
      if (moved.empty())
        continue;
      factor = divideBody(graph, factor, moved);
      result = build(graph, product, node->loc);
      break;
    }
  }
  return replaced.lookup(root);
}

/// Takes each of `factors` out of `from`. False when one is not there.
static bool take(SmallVectorImpl<const Node *> &from,
                 ArrayRef<const Node *> factors) {
  for (const Node *factor : factors) {
    auto it = llvm::find(from, factor);
    if (it == from.end())
      return false;
    from.erase(it);
  }
  return true;
}

/// `root` with `logWeight` in place of the logarithms of a weight: of what has
/// these factors.
static const Node *replaceLogarithms(IndexGraph &graph, const Node *root,
                                     const Product &weight,
                                     const Node *logWeight) {
  llvm::DenseMap<const Node *, const Node *> others;
  for (const Node *node : reachable(root)) {
    if (node->op != NodeOp::Log && node->op != NodeOp::Log2)
      continue;
    Product product = factorsOf(graph, node->operands[0]);
    if (take(product.above, weight.above) &&
        take(product.below, weight.below) && product.above.empty() &&
        product.below.empty())
      others[node] = logarithmAs(graph, node->op, logWeight);
  }
  return replaceNodes(graph, root, others);
}

std::optional<WeighedValue>
fovea::frontend::matchQuotient(IndexGraph &graph, const Node *sum,
                               const Node *logWeight, Diagnostics &diags,
                               bool &failed) {
  Product product = factorsOf(graph, sum->body());
  const Node *divisor = nullptr, *total = nullptr;
  for (const Node *factor : product.below) {
    if (llvm::any_of(sum->bound, [&](const IndexVar *key) {
          return factor->dependsOn(key);
        }))
      continue;
    if ((total = keySumIn(factor, sum))) {
      divisor = factor;
      break;
    }
  }
  if (!total)
    return std::nullopt;

  IndexMap toSum, toTotal;
  for (auto [inner, outer] : llvm::zip_equal(total->bound, sum->bound)) {
    toSum[inner] = graph.index(outer, sum->loc);
    toTotal[outer] = graph.index(inner, sum->loc);
  }
  Product weight = factorsOf(graph, graph.substitute(total->body(), toSum));
  (void)take(product.below, divisor);
  if (!take(product.above, weight.above) ||
      !take(product.below, weight.below)) {
    diags
        .error(total->loc,
               "this sum divides weights, but it is not the sum of them")
        .note(sum->loc, "the weighted sum is here")
        .help("write 'f(s) / (c + sum[j](f(s)))' with the same 'f(s)' above "
              "and below the line");
    failed = true;
    return std::nullopt;
  }
  SmallVector<const Node *> kept = conjunctsOf(sum->condition());
  if (!take(kept, conjunctsOf(graph.substitute(total->condition(), toSum)))) {
    diags
        .error(total->loc,
               "this sum of weights does not keep all keys that the weighted "
               "sum keeps")
        .note(sum->loc, "the weighted sum is here")
        .help("write the same 'where' in both");
    failed = true;
    return std::nullopt;
  }
  const Node *rest = restOf(graph, termsOf(divisor), total);
  weight.below.push_back(divisor);
  const Node *value = replaceLogarithms(graph, build(graph, product, sum->loc),
                                        weight, logWeight);
  for (const Node *condition : kept)
    value = graph.apply(NodeOp::Select, Elem::Real,
                        {condition, value, graph.real(0, sum->loc)}, sum->loc);
  return WeighedValue{formOf(graph, total, rest),
                      graph.substitute(value, toTotal)};
}
