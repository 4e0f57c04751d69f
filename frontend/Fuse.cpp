//===- Fuse.cpp - Which expressions are one attention ---------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Fuse.h"
#include "llvm/ADT/SetVector.h"

using namespace fovea::frontend;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::Twine;

namespace {
/// The binders of `root` that no other binder encloses.
SmallVector<const Node *> outermostBinders(const Node *root) {
  SmallVector<const Node *> binders;
  for (const Node *node :
       reachable(root, [](const Node *node) { return !isBinder(node->op); }))
    if (isBinder(node->op))
      binders.push_back(node);
  return binders;
}

class Fuser {
public:
  Fuser(IndexGraph &graph, ArrayRef<FusionRoot> roots, StringRef name,
        llvm::SMLoc loc, ArrayRef<const IndexVar *> fixed, Diagnostics &diags)
      : graph(graph), roots(roots.begin(), roots.end()), name(name), loc(loc),
        fixed(fixed), diags(diags) {
    for (FusionRoot &root : this->roots)
      root.value = moveDivisorsIntoSums(graph, root.value);
  }

  std::optional<FusedAttention> run() {
    if (!findNormalizer())
      return std::nullopt;
    for (const FusionRoot &root : roots)
      if (!addResult(root))
        return std::nullopt;
    if (!splitScore() || !checkElementwise(fused.mask, "mask") ||
        (fused.value && !checkElementwise(fused.value, "value")) ||
        (fused.sink && !checkElementwise(fused.sink, "constant beside a sum")))
      return std::nullopt;
    nameDimensions();
    return std::move(fused);
  }

private:
  Diagnostic &error(const Node *node, const Twine &message) {
    return diags.error(node->loc.isValid() ? node->loc : loc, message);
  }

  /// The normalizer that all results share: a softmax or log-sum-exp, by word
  /// or by formula, or weights over their sum. Without one, the sum itself
  /// normalizes nothing. False after a report.
  bool findNormalizer() {
    auto take = [&](std::optional<NormalizerForm> form) {
      if (!form || normalizer)
        return;
      normalizer = form;
      fused.normalizer = form->kind;
      fused.keys.assign(form->keys().begin(), form->keys().end());
      fused.score = form->score;
      fused.mask = form->mask;
      fused.sink = form->sink;
    };
    bool failed = false;
    for (const FusionRoot &root : roots) {
      take(normalizerOfLogarithm(graph, root.value));
      for (const Node *binder : outermostBinders(root.value)) {
        take(normalizerOfWord(binder));
        for (const Node *inner : outermostBinders(binder->body()))
          take(normalizerOfWord(inner));
        if (binder->op != NodeOp::Sum)
          continue;
        if (auto quotient = matchQuotient(graph, binder, diags, failed)) {
          take(quotient->normalizer);
          quotients.insert({binder, *quotient});
        }
      }
    }
    return !failed;
  }

  bool checkNormalizer(const NormalizerForm &form) {
    if (form == *normalizer)
      return true;
    NormalizerForm alike = form;
    alike.sink = normalizer->sink;
    bool onlySink = alike == *normalizer;
    Diagnostic &report =
        error(form.source,
              "attention '" + name + "' has a second " +
                  spelling(form.source->op) + " with another " +
                  (onlySink ? "constant beside it" : "score, mask or keys"));
    report.note(normalizer->source->loc,
                "the first " + spelling(normalizer->source->op) + " is here");
    if (onlySink)
      report.help("write 'log(c + sum[j](exp(s)))' and 'exp(s) / (c + "
                  "sum[j](exp(s)))' with the same 'c'");
    else
      report.help("one kernel has one normalizer: write a second attention");
    return false;
  }

  bool addResult(const FusionRoot &root) {
    SmallVector<const Node *> binders = outermostBinders(root.value);
    std::optional<NormalizerForm> form = normalizerOfWord(root.value);
    if (root.value->op == NodeOp::Softmax)
      return checkNormalizer(*form) && addWeights(root);
    if (!form)
      form = normalizerOfLogarithm(graph, root.value);
    if (form)
      return checkNormalizer(*form) &&
             addPlainResult(root, FusedAttention::ResultKind::LogSumExp);
    if (binders.empty()) {
      diags
          .error(root.loc, "result '" + root.name +
                               "' is no attention: it sums over no keys")
          .help("compute it in a 'fn' or an entry");
      return false;
    }
    for (const Node *binder : binders) {
      if (binder->op == NodeOp::Sum && binder == binders.front())
        continue;
      if (binder->op == NodeOp::LogSumExp || binder->op == NodeOp::Softmax) {
        error(binder, "the result of '" + spelling(binder->op) +
                          "' is a result of the attention by itself only")
            .help("make it a result, and compute with it outside");
        return false;
      }
      error(binder, "'" + spelling(binder->op) +
                        "' beside the weighted sum cannot be part of one "
                        "fused kernel")
          .help("compute it outside, and pass it in as an operand");
      return false;
    }
    return addOutput(root, binders.front());
  }

  bool addPlainResult(const FusionRoot &root, FusedAttention::ResultKind kind) {
    if (root.dtype != DType::F32) {
      diags.error(root.loc, "expected f32 for the result '" + root.name +
                                "', but found " + spelling(root.dtype));
      return false;
    }
    for (const FusedAttention::Result &other : fused.results)
      if (other.kind == kind) {
        diags.error(root.loc,
                    "result '" + root.name + "' is the same as another result");
        return false;
      }
    fused.results.push_back({kind, root.indices, root.dtype});
    return true;
  }

  /// The weights themselves: the free index where they are read is the key.
  bool addWeights(const FusionRoot &root) {
    llvm::DenseMap<const IndexVar *, const IndexVar *> keyOf;
    for (auto [key, at] :
         llvm::zip_equal(root.value->bound, root.value->at())) {
      if (at->op != NodeOp::Index || keyOf.contains(at->index) ||
          fused.score->dependsOn(at->index) ||
          fused.mask->dependsOn(at->index)) {
        error(root.value, "the weights of attention '" + name +
                              "' are read at a computed key")
            .help("make the weights a result, and index them outside");
        return false;
      }
      keyOf[at->index] = key;
    }
    if (!addPlainResult(root, FusedAttention::ResultKind::Weights))
      return false;
    for (const IndexVar *&var : fused.results.back().indices)
      if (const IndexVar *key = keyOf.lookup(var))
        var = key;
    return true;
  }

  /// `epilogue(sum over keys of softmax * value)`.
  bool addOutput(const FusionRoot &root, const Node *sum) {
    if (fused.weighted) {
      error(sum, "attention '" + name + "' has two weighted sums")
          .note(fused.weighted->loc, "the first is here")
          .help("write a second attention, or concatenate the values");
      return false;
    }
    fused.weighted = sum;
    fused.epilogue = root.value;
    fused.results.push_back(
        {FusedAttention::ResultKind::Output, root.indices, root.dtype});
    if (auto quotient = quotients.find(sum); quotient != quotients.end()) {
      fused.value = quotient->second.value;
      return checkNormalizer(quotient->second.normalizer);
    }
    if (!normalizer)
      return splitPlainSum(sum);

    const Node *softmax = nullptr;
    for (const Node *binder : outermostBinders(sum->body())) {
      if (binder->op != NodeOp::Softmax)
        continue;
      if (softmax && softmax != binder) {
        error(binder, "a product of two softmaxes cannot be one kernel")
            .note(softmax->loc, "the first is here");
        return false;
      }
      softmax = binder;
    }
    if (!softmax) {
      error(sum, "this sum does not weigh its values with the softmax of "
                 "attention '" +
                     name + "'")
          .note(normalizer->source->loc, "the softmax is here");
      return false;
    }
    if (!checkNormalizer(*normalizerOfWord(softmax)))
      return false;

    // The sum's indices are the softmax's keys, read where they are summed.
    IndexMap keys;
    for (auto [key, at] : llvm::zip_equal(softmax->bound, softmax->at()))
      if (at->op == NodeOp::Index && llvm::is_contained(sum->bound, at->index))
        keys[at->index] = graph.index(key, sum->loc);
    if (keys.size() != sum->bound.size() ||
        keys.size() != softmax->bound.size()) {
      error(sum, "the weighted sum and its softmax go over different indices")
          .note(softmax->loc, "the softmax is here")
          .help("sum over exactly the keys of the softmax");
      return false;
    }
    const Node *value = coefficient(sum->body(), softmax);
    if (!value)
      return false;
    if (!sum->condition()->isTrue())
      value = graph.apply(NodeOp::Select, value->elem,
                          {sum->condition(), value, graph.real(0, sum->loc)},
                          sum->loc);
    fused.value = graph.substitute(value, keys);
    return true;
  }

  /// The factor of `softmax` in `body`, which must be linear in it.
  const Node *coefficient(const Node *body, const Node *softmax) {
    const Node *one = graph.real(1, softmax->loc);
    llvm::DenseMap<const Node *, const Node *> factor;
    factor[softmax] = one;
    auto times = [&](const Node *a, const Node *b, const Node *at) {
      return a == one
                 ? b
                 : graph.apply(NodeOp::Multiply, Elem::Real, {a, b}, at->loc);
    };
    for (const Node *node : reachable(body)) {
      if (factor.contains(node) ||
          llvm::none_of(node->operands, [&](const Node *operand) {
            return factor.contains(operand);
          }))
        continue;
      auto operand = [&](unsigned k) {
        return factor.lookup(node->operands[k]);
      };
      const Node *result = nullptr;
      switch (node->op) {
      case NodeOp::Negate:
        result = graph.apply(NodeOp::Negate, Elem::Real, operand(0), node->loc);
        break;
      case NodeOp::Multiply:
        if (operand(0) && !operand(1))
          result = times(operand(0), node->operands[1], node);
        else if (operand(1) && !operand(0))
          result = times(operand(1), node->operands[0], node);
        break;
      case NodeOp::Divide:
        if (operand(0) && !operand(1))
          result = graph.apply(NodeOp::Divide, Elem::Real,
                               {operand(0), node->operands[1]}, node->loc);
        break;
      case NodeOp::Add:
      case NodeOp::Subtract:
        if (operand(0) && operand(1))
          result = graph.apply(node->op, Elem::Real, {operand(0), operand(1)},
                               node->loc);
        break;
      default:
        break;
      }
      if (!result) {
        error(node, "the value must be a factor of the softmax, but here '" +
                        spelling(node->op) + "' is applied to it")
            .note(softmax->loc, "the softmax is here")
            .help("write 'sum[j](softmax[j](score) * value)'");
        return nullptr;
      }
      factor[node] = result;
    }
    return factor.lookup(body);
  }

  /// Without a normalizer: the factors that hold a contraction are the
  /// weight, the others the value.
  bool splitPlainSum(const Node *sum) {
    fused.keys.assign(sum->bound.begin(), sum->bound.end());
    fused.mask = sum->condition();
    SmallVector<const Node *> stack{sum->body()};
    while (!stack.empty()) {
      const Node *node = stack.pop_back_val();
      if (node->op == NodeOp::Multiply && node->hasBinder) {
        stack.push_back(node->operands[1]);
        stack.push_back(node->operands[0]);
        continue;
      }
      const Node *&side = node->hasBinder ? fused.score : fused.value;
      side = side ? graph.apply(NodeOp::Multiply, Elem::Real, {side, node},
                                node->loc)
                  : node;
    }
    if (!fused.score)
      fused.score = graph.real(1, sum->loc);
    if (!fused.value)
      fused.value = graph.real(1, sum->loc);
    return true;
  }

  /// Finds the contractions of the score; all else in it is elementwise.
  bool splitScore() {
    for (const Node *binder : outermostBinders(fused.score)) {
      if (binder->op != NodeOp::Sum || binder->elem != Elem::Real) {
        error(binder, "'" + spelling(binder->op) +
                          "' inside the score cannot be part of one fused "
                          "kernel: only sums of reals can")
            .help("compute it outside, and pass it in as an operand");
        return false;
      }
      if (!checkElementwise(binder->body(), "sum of a score") ||
          !checkElementwise(binder->condition(), "sum of a score"))
        return false;
      fused.contractions.push_back(binder);
    }
    return true;
  }

  bool checkElementwise(const Node *root, StringRef what) {
    for (const Node *binder : outermostBinders(root)) {
      error(binder, "'" + spelling(binder->op) + "' inside the " + what +
                        " cannot be part of one fused kernel")
          .help("compute it outside, and pass it in as an operand");
      return false;
    }
    return true;
  }

  /// Parallel indices in the order of the results; an index of values and
  /// results alone is a value index.
  void nameDimensions() {
    auto isScored = [&](const IndexVar *var) {
      return fused.score->dependsOn(var) || fused.mask->dependsOn(var) ||
             (fused.sink && fused.sink->dependsOn(var));
    };
    llvm::SetVector<const IndexVar *> free;
    for (const FusedAttention::Result &result : fused.results)
      free.insert(result.indices.begin(), result.indices.end());
    for (const Node *node : {fused.score, fused.mask, fused.value, fused.sink})
      if (node)
        free.insert(node->free.begin(), node->free.end());
    for (const IndexVar *var : free) {
      if (llvm::is_contained(fused.keys, var) || llvm::is_contained(fixed, var))
        continue;
      (isScored(var) ? fused.parallel : fused.values).push_back(var);
    }
  }

  IndexGraph &graph;
  std::vector<FusionRoot> roots;
  StringRef name;
  llvm::SMLoc loc;
  ArrayRef<const IndexVar *> fixed;
  Diagnostics &diags;
  FusedAttention fused;
  std::optional<NormalizerForm> normalizer;
  /// The sums whose weights are shares.
  llvm::DenseMap<const Node *, Quotient> quotients;
};
} // namespace

std::optional<FusedAttention> fovea::frontend::fuseAttention(
    IndexGraph &graph, ArrayRef<FusionRoot> roots, StringRef name,
    llvm::SMLoc loc, ArrayRef<const IndexVar *> fixed, Diagnostics &diags) {
  return Fuser(graph, roots, name, loc, fixed, diags).run();
}

std::optional<FusedAttention>
fovea::frontend::fuseFunction(IndexGraph &graph, const Function &function,
                              Diagnostics &diags) {
  std::vector<FusionRoot> roots;
  for (const FunctionResult &result : function.results) {
    FusionRoot &root = roots.emplace_back();
    root.value = result.value;
    for (const TensorPart &part : result.type->parts())
      root.indices.push_back(part.index);
    root.dtype = result.type->dtype;
    root.name = result.type->name;
    root.loc = result.type->loc;
  }
  return fuseAttention(graph, roots, function.name, function.loc, {}, diags);
}
