//===- Fuse.cpp - Which expressions are one attention ---------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "frontend/Fuse.h"
#include "frontend/LinearForms.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/SetVector.h"

using namespace fovea::frontend;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;
using llvm::Twine;

namespace {
/// The binders of `root` that no other binder encloses, outside of `known`.
SmallVector<const Node *> outermostBinders(const Node *root,
                                           const Node *known = nullptr) {
  SmallVector<const Node *> binders;
  for (const Node *node : reachable(root, [&](const Node *node) {
         return node != known && !isBinder(node->op);
       }))
    if (node != known && isBinder(node->op))
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
    logWeight = nameFor("log of the weight", loc);
  }

  std::optional<FusedAttention> run() {
    if (!findNormalizer())
      return std::nullopt;
    for (const FusionRoot &root : roots)
      if (!addResult(root))
        return std::nullopt;
    if (!splitScore() || !checkElementwise(fused.mask, "mask") ||
        (fused.sink && !checkElementwise(fused.sink, "constant beside a sum")))
      return std::nullopt;
    for (auto [value, sum] : sums)
      if (value && !checkElementwise(value, "value", fused.score))
        return std::nullopt; // a value may be computed from the score
    nameDimensions();
    nameSums();
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
      if (form && !normalizer)
        normalizer = form;
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
        if (auto quotient =
                matchQuotient(graph, binder, logWeight, diags, failed)) {
          take(quotient->normalizer);
          quotients.insert({binder, *quotient});
        }
      }
    }
    for (const FusionRoot &root : roots)
      for (const Node *binder : outermostBinders(root.value))
        if (binder->op == NodeOp::Sum)
          take(splitPlainSum(graph, binder).normalizer);
    for (const FusionRoot &root : roots)
      for (const Node *binder : outermostBinders(root.value))
        take(normalizerOfStatistic(binder));
    if (!normalizer)
      return !failed;
    fused.normalizer = normalizer->kind;
    fused.keys.assign(normalizer->keys().begin(), normalizer->keys().end());
    fused.score = normalizer->score;
    fused.mask = normalizer->mask;
    fused.sink = normalizer->sink;
    return !failed;
  }

  bool checkNormalizer(NormalizerForm form) {
    if (normalizerOfStatistic(form.source)) { // of the scores of any normalizer
      form.kind = normalizer->kind;
      form.sink = normalizer->sink;
    }
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
    using Kind = FusedAttention::ResultKind;
    SmallVector<const Node *> binders = outermostBinders(root.value);
    std::optional<NormalizerForm> form = normalizerOfWord(root.value);
    if (root.value->op == NodeOp::Softmax)
      return checkNormalizer(*form) && addWeights(root);
    if (!form)
      form = normalizerOfLogarithm(graph, root.value);
    if (form)
      return checkNormalizer(*form) && addPlainResult(root, Kind::LogSumExp);
    const Node *statistic = root.value;
    if (statistic->op == NodeOp::ToReal) // an index as a real: a wrong type
      statistic = statistic->operands[0];
    if ((form = normalizerOfStatistic(statistic)))
      return checkNormalizer(*form) &&
             addPlainResult(root, statistic->op == NodeOp::Maximum
                                      ? Kind::Max
                                      : Kind::ArgMax);
    if (binders.empty()) {
      diags
          .error(root.loc, "result '" + root.name +
                               "' is no attention: it sums over no keys")
          .help("compute it in a 'fn' or an entry");
      return false;
    }
    for (const Node *binder : binders) {
      if (binder->op == NodeOp::Sum)
        continue;
      if (normalizerOfWord(binder) || normalizerOfStatistic(binder))
        error(binder, "the result of '" + spelling(binder->op) +
                          "' is a result of the attention by itself only")
            .help("make it a result, and compute with it outside");
      else
        error(binder, "'" + spelling(binder->op) +
                          "' beside the weighted sum cannot be part of one "
                          "fused kernel")
            .help("compute it outside, and pass it in as an operand");
      return false;
    }
    return addOutput(root, binders);
  }

  bool addPlainResult(const FusionRoot &root, FusedAttention::ResultKind kind) {
    bool isIndex = kind == FusedAttention::ResultKind::ArgMax;
    if (isIndex ? elemOf(root.dtype) != Elem::Int : root.dtype != DType::F32) {
      diags.error(root.loc, "expected " +
                                StringRef(isIndex ? "an integer type" : "f32") +
                                " for the result '" + root.name +
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

  /// `epilogue(sum over keys of softmax * value, ...)`.
  bool addOutput(const FusionRoot &root, ArrayRef<const Node *> binders) {
    llvm::DenseMap<const Node *, const Node *> named;
    for (const Node *sum : binders)
      if (!(named[sum] = addSum(sum)))
        return false;
    fused.results.push_back({FusedAttention::ResultKind::Output, root.indices,
                             root.dtype,
                             replaceNodes(graph, root.value, named)});
    return true;
  }

  /// A leaf that stands for something that is made elsewhere.
  const Node *nameFor(StringRef name, llvm::SMLoc at) {
    return graph.read(graph.makeTensor(Tensor(Tensor::Argument, name)), {}, at);
  }

  /// The name of the weighted sum of `value`, the logarithm of the weight if
  /// that is null.
  const Node *nameSum(const Node *value, llvm::SMLoc at) {
    const Node *&name = sums[value];
    if (!name)
      name = nameFor("weighted sum", at);
    return name;
  }

  /// What a sum over the keys is, by the names of weighted sums; null after a
  /// report.
  const Node *addSum(const Node *sum) {
    const Node *value = valueOf(sum);
    if (!value)
      return nullptr;
    if (!llvm::is_contained(reachable(value), logWeight))
      return nameSum(value, sum->loc);
    // The sum of the logarithms is one of its own.
    auto forbid = [&](const Node *node) {
      error(node, "the logarithm of the weights must be a term of the value, "
                  "but here '" +
                      spelling(node->op) + "' is applied to it")
          .note(sum->loc, "the weighted sum is here")
          .help("write 'sum[j](p * log(p))', in which 0 * log(0) is 0, with "
                "'p = softmax[j](score)'");
    };
    std::optional<LinearForm> form =
        linearIn(graph, value, logWeight, /*isProduct=*/false, forbid);
    if (!form)
      return nullptr;
    for (const IndexVar *key : fused.keys)
      if (form->factor->dependsOn(key)) {
        error(sum, "the logarithm of the weights is multiplied by what depends "
                   "on '" +
                       key->name + "'")
            .help("write 'sum[j](p * log(p))' by itself, with "
                  "'p = softmax[j](score)'");
        return nullptr;
      }
    const Node *result = nameSum(nullptr, sum->loc);
    if (form->factor != graph.real(1, sum->loc))
      result = graph.apply(NodeOp::Multiply, Elem::Real, {form->factor, result},
                           sum->loc);
    if (form->rest)
      result = graph.apply(NodeOp::Add, Elem::Real,
                           {result, nameSum(form->rest, sum->loc)}, sum->loc);
    return result;
  }

  /// What `sum` weighs, over the keys of the normalizer; null after a report.
  const Node *valueOf(const Node *sum) {
    if (auto quotient = quotients.find(sum); quotient != quotients.end())
      return checkNormalizer(quotient->second.normalizer)
                 ? quotient->second.value
                 : nullptr;
    if (normalizer->kind == NormalizerKind::Plain) {
      WeighedValue plain = splitPlainSum(graph, sum);
      return checkNormalizer(plain.normalizer) ? plain.value : nullptr;
    }

    const Node *softmax = nullptr;
    for (const Node *binder : outermostBinders(sum->body())) {
      if (binder->op != NodeOp::Softmax)
        continue;
      if (softmax && softmax != binder) {
        error(binder, "a product of two softmaxes cannot be one kernel")
            .note(softmax->loc, "the first is here");
        return nullptr;
      }
      softmax = binder;
    }
    const Node *body =
        softmax ? withoutGuards(graph, sum->body(), softmax) : sum->body();
    if (!llvm::is_contained(reachable(body), softmax)) {
      error(sum, "this sum does not weigh its values with the softmax of "
                 "attention '" +
                     name + "'")
          .note(normalizer->source->loc, "the softmax is here");
      return nullptr;
    }
    if (!checkNormalizer(*normalizerOfWord(softmax)))
      return nullptr;

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
      return nullptr;
    }
    const Node *value = coefficient(body, softmax);
    if (!value)
      return nullptr;
    value = graph.substitute(value, keys);
    // Keys that the softmax drops weigh nothing.
    SmallVector<const Node *> known = conjunctsOf(fused.mask);
    for (const Node *conjunct : conjunctsOf(sum->condition()))
      if (const Node *condition = graph.substitute(conjunct, keys);
          !isPositive(conjunct, softmax) &&
          !llvm::is_contained(known, condition))
        value =
            graph.apply(NodeOp::Select, value->elem,
                        {condition, value, graph.real(0, sum->loc)}, sum->loc);
    return value;
  }

  /// The factor of `softmax` in `body`, which may have its logarithm.
  const Node *coefficient(const Node *body, const Node *softmax) {
    llvm::DenseMap<const Node *, const Node *> logarithms;
    for (const Node *node : reachable(body))
      if ((node->op == NodeOp::Log || node->op == NodeOp::Log2) &&
          node->operands[0] == softmax)
        logarithms[node] = logarithmAs(graph, node->op, logWeight);
    auto forbid = [&](const Node *node) {
      error(node, "the value must be a factor of the softmax, but here '" +
                      spelling(node->op) + "' is applied to it")
          .note(softmax->loc, "the softmax is here")
          .help("write 'sum[j](softmax[j](score) * value)'");
    };
    std::optional<LinearForm> form =
        linearIn(graph, replaceNodes(graph, body, logarithms), softmax,
                 /*isProduct=*/true, forbid);
    return form ? form->factor : nullptr;
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

  bool checkElementwise(const Node *root, StringRef what,
                        const Node *known = nullptr) {
    for (const Node *binder : outermostBinders(root, known)) {
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
    SmallVector<const Node *> nodes{fused.score, fused.mask};
    llvm::append_range(nodes, llvm::make_first_range(sums));
    nodes.push_back(fused.sink);
    for (const Node *node : nodes)
      if (node)
        free.insert(node->free.begin(), node->free.end());
    for (const IndexVar *var : free) {
      if (llvm::is_contained(fused.keys, var) || llvm::is_contained(fixed, var))
        continue;
      (isScored(var) ? fused.parallel : fused.values).push_back(var);
    }
  }

  /// The weighted sums of the outputs, each over the value indices of the
  /// output.
  void nameSums() {
    for (FusedAttention::Result &result : fused.results) {
      if (!result.epilogue)
        continue;
      for (const IndexVar *var : fused.values)
        if (llvm::is_contained(result.indices, var))
          result.values.push_back(var);
      std::vector<const Node *> used = reachable(result.epilogue);
      for (auto [value, name] : sums) {
        SmallVector<const IndexVar *> values;
        if (value)
          values = result.values;
        if (llvm::is_contained(used, name) &&
            llvm::none_of(fused.sums, [&, name = name](auto &known) {
              return known.name == name && known.values == values;
            }))
          fused.sums.push_back({name, value, values});
      }
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
  llvm::DenseMap<const Node *, WeighedValue> quotients;
  /// Stands for the logarithm of the weight in a value.
  const Node *logWeight = nullptr;
  /// The names of weighted sums, by value; null is the logarithm of the weight.
  llvm::MapVector<const Node *, const Node *> sums;
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
