//===- AttnPrinting.cpp - text of attn.attention and attn.online ---===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Both ops print as a list of clauses in which accesses and dimensions go by
// the domain's names:
//
//   domain(b parallel %B, j key %N from %j0, d contraction 64)
//   symbols(%past)
//   lookup(%p = %page[b, j floordiv 16] : tensor<?x?xi32>) { ... }
//   contraction over(d) (%x = %q[b, i, d] : ..., %y = %k[l0, d] : ...) { ... }
//   score(%s : f32, ...) { ... } mask(...) { ... }
//   value over(e) (...) { ... } value logweight
//   epilogue 0(...) { ... } epilogue 1(...) { ... } sink(...) { ... }
//   normalizer(#attn.softmax)
//   outs(output %init[b, i, e] : ...)
//
//===----------------------------------------------------------------------===//

#include "dialect/Attn.h"

using namespace mlir;
using namespace fovea::attn;

namespace {
/// Prints affine expressions with the names of dimensions and lookups.
class ExprPrinter {
public:
  ExprPrinter(AsmPrinter &printer, ArrayRef<StringAttr> names)
      : printer(printer), names(names) {}

  /// Binding strength: 0 for sums, 1 for products.
  void print(AffineExpr expr, int strength = 0) {
    if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
      printer << constant.getValue();
      return;
    }
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      if (dim.getPosition() < names.size())
        printer << names[dim.getPosition()].getValue();
      else
        printer << 'l' << dim.getPosition() - names.size();
      return;
    }
    if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
      printer << 's' << symbol.getPosition();
      return;
    }
    auto binary = cast<AffineBinaryOpExpr>(expr);
    bool isSum = binary.getKind() == AffineExprKind::Add;
    bool parens = isSum && strength > 0;
    if (parens)
      printer << '(';
    printOperands(binary, isSum ? 0 : 1);
    if (parens)
      printer << ')';
  }

private:
  void printOperands(AffineBinaryOpExpr expr, int strength) {
    AffineExpr rhs = expr.getRHS();
    if (expr.getKind() == AffineExprKind::Add) {
      print(expr.getLHS(), 0);
      auto constant = dyn_cast<AffineConstantExpr>(rhs);
      auto product = dyn_cast<AffineBinaryOpExpr>(rhs);
      auto factor = product && product.getKind() == AffineExprKind::Mul
                        ? dyn_cast<AffineConstantExpr>(product.getRHS())
                        : AffineConstantExpr();
      if (constant && constant.getValue() < 0) {
        printer << " - " << -constant.getValue();
      } else if (factor && factor.getValue() == -1) {
        printer << " - ";
        print(product.getLHS(), 1);
      } else {
        printer << " + ";
        print(rhs, 0);
      }
      return;
    }
    // Nested floordiv and mod keep their own parentheses: `*` and they bind
    // alike.
    auto operand = [&](AffineExpr e) {
      bool nested = isa<AffineBinaryOpExpr>(e);
      if (nested)
        printer << '(';
      print(e, 0);
      if (nested)
        printer << ')';
    };
    operand(expr.getLHS());
    switch (expr.getKind()) {
    case AffineExprKind::Mul:
      printer << " * ";
      break;
    case AffineExprKind::Mod:
      printer << " mod ";
      break;
    case AffineExprKind::FloorDiv:
      printer << " floordiv ";
      break;
    default:
      printer << " ceildiv ";
      break;
    }
    operand(rhs);
  }

  AsmPrinter &printer;
  ArrayRef<StringAttr> names;
};
} // namespace

static void printOperand(OpAsmPrinter &printer, AttentionOpInterface op,
                         Value operand, AffineMap access) {
  ExprPrinter exprs(printer, op.getDomain().getNames());
  printer << operand << '[';
  llvm::interleaveComma(access.getResults(), printer,
                        [&](AffineExpr expr) { exprs.print(expr); });
  printer << "] : " << operand.getType();
}

/// `(%s : f32, %x = %q[b, i] : ...) { ... }`
static void printPart(OpAsmPrinter &printer, AttentionOpInterface op,
                      Region &region) {
  printer << '(';
  OperandRange inputs = op.getInputsOf(region);
  SmallVector<AffineMap> accesses = op.getAccessesOf(region);
  unsigned leading = op.getNumLeadingArguments(region);
  llvm::interleaveComma(
      llvm::enumerate(region.getArguments()), printer, [&](auto pair) {
        auto [k, arg] = pair;
        printer.printRegionArgument(arg, {}, /*omitType=*/k >= leading);
        if (k < leading)
          return;
        printer << " = ";
        printOperand(printer, op, inputs[k - leading], accesses[k - leading]);
      });
  printer << ") ";
  printer.printRegion(region, /*printEntryBlockArgs=*/false);
}

/// `value logweight`, or `value over(e) (...) { ... }`; all value dimensions
/// and the number of the only output go without saying.
static void printValues(OpAsmPrinter &printer, AttentionOpInterface op) {
  DomainAttr domain = op.getDomain();
  SmallVector<int64_t> all =
      llvm::to_vector_of<int64_t>(domain.getDims(DimKind::value));
  for (unsigned k = 0; k < op.getNumValues(); ++k) {
    printer.printNewline();
    printer << "value";
    if (op.isLogWeight(k)) {
      printer << " logweight";
      continue;
    }
    if (op.getDimsOfValue(k) != ArrayRef(all)) {
      printer << " over(";
      llvm::interleaveComma(op.getDimsOfValue(k), printer, [&](int64_t dim) {
        printer.printKeywordOrString(domain.getNames()[dim].getValue());
      });
      printer << ") ";
    }
    printPart(printer, op, op.getValue(k));
  }
  for (unsigned k = 0; k < op.getNumEpilogues(); ++k) {
    if (op.getEpilogue(k).empty())
      continue;
    printer.printNewline();
    printer << "epilogue";
    if (op.getNumEpilogues() > 1)
      printer << ' ' << k << ' ';
    printPart(printer, op, op.getEpilogue(k));
  }
}

static void printSize(OpAsmPrinter &printer, OpFoldResult size) {
  if (auto value = dyn_cast<Value>(size))
    printer << value;
  else
    printer << cast<IntegerAttr>(cast<Attribute>(size)).getInt();
}

static void printAttention(OpAsmPrinter &printer, AttentionOpInterface op,
                           ArrayAttr resultKinds, ArrayAttr statistics = {},
                           ValueRange visit = {}) {
  DomainAttr domain = op.getDomain();
  SmallVector<OpFoldResult> bounds = op.getMixedBounds();
  SmallVector<OpFoldResult> offsets = op.getMixedOffsets();
  printer.increaseIndent();
  printer.increaseIndent();
  printer.printNewline();
  printer << "domain(";
  for (unsigned dim = 0; dim < domain.getNumDims(); ++dim) {
    if (dim)
      printer << ", ";
    printer.printKeywordOrString(domain.getNames()[dim].getValue());
    printer << ' ' << stringifyDimKind(domain.getKinds()[dim]) << ' ';
    printSize(printer, bounds[dim]);
    if (domain.getOffsets()[dim] != 0) {
      printer << " from ";
      printSize(printer, offsets[dim]);
    }
  }
  printer << ')';
  if (!op.getSymbols().empty()) {
    printer.printNewline();
    printer << "symbols(" << op.getSymbols() << ')';
  }
  for (unsigned k = 0; k < op.getNumLookups(); ++k) {
    printer.printNewline();
    printer << "lookup";
    printPart(printer, op, op.getLookup(k));
  }
  for (unsigned k = 0; k < op.getNumContractions(); ++k) {
    printer.printNewline();
    printer << "contraction over(";
    llvm::interleaveComma(
        op.getDimsOfContraction(k), printer, [&](int64_t dim) {
          printer.printKeywordOrString(domain.getNames()[dim].getValue());
        });
    printer << ") ";
    printPart(printer, op, op.getContraction(k));
  }
  auto printNamed = [&](StringRef name, Region &region) {
    if (region.empty())
      return;
    printer.printNewline();
    printer << name;
    printPart(printer, op, region);
  };
  printNamed("score", op.getScore());
  printNamed("mask", op.getMask());
  printValues(printer, op);
  if (Region *sink = op.getSinkOrNull())
    printNamed("sink", *sink);
  printer.printNewline();
  printer << "normalizer(" << op.getNormalizer() << ')';
  printer.printNewline();
  if (statistics && !statistics.empty()) {
    printer << "statistics(";
    llvm::interleaveComma(statistics.getAsRange<ResultKindAttr>(), printer,
                          [&](ResultKindAttr kind) {
                            printer << stringifyResultKind(kind.getValue());
                          });
    printer << ')';
    printer.printNewline();
  }
  if (!visit.empty()) {
    printer << "visit(" << visit << ')';
    printer.printNewline();
  }
  printer << "outs(";
  for (auto [k, out] : llvm::enumerate(op.getOuts())) {
    if (k)
      printer << ", ";
    if (resultKinds)
      printer << stringifyResultKind(
                     cast<ResultKindAttr>(resultKinds[k]).getValue())
              << ' ';
    printOperand(printer, op, out, op.getOutAccess(k));
  }
  printer << ')';
  printer.decreaseIndent();
  printer.decreaseIndent();
  printer.printOptionalAttrDict(
      op->getAttrs(), {"domain", "inputSegments", "accesses", "contractionDims",
                       "valueDims", "numLookups", "normalizer", "resultKinds",
                       "statistics", "operandSegmentSizes"});
}

void AttentionOp::print(OpAsmPrinter &printer) {
  printAttention(printer, cast<AttentionOpInterface>(getOperation()),
                 getResultKinds());
}

void OnlineOp::print(OpAsmPrinter &printer) {
  printAttention(printer, cast<AttentionOpInterface>(getOperation()), {},
                 getStatistics(), getVisit());
}
