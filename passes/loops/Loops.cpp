//===- Loops.cpp - loops over the elements of buffers ---------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "passes/loops/Loops.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace fovea::attn;

Value Loops::index(int64_t value) {
  return arith::ConstantIndexOp::create(builder, loc, value);
}

Value Loops::constant(Type type, double value) {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getFloatAttr(type, value));
}

Value Loops::compare(arith::CmpIPredicate predicate, Value a, Value b) {
  return arith::CmpIOp::create(builder, loc, predicate, a, b);
}

Value Loops::load(Value buffer, ValueRange indices) {
  return memref::LoadOp::create(builder, loc, buffer, indices);
}

SmallVector<Value> Loops::getExtents(Value buffer) {
  SmallVector<Value> extents;
  auto type = cast<MemRefType>(buffer.getType());
  for (int64_t dim = 0; dim < type.getRank(); ++dim)
    extents.push_back(memref::DimOp::create(builder, loc, buffer, dim));
  return extents;
}

SmallVector<Value> Loops::getExtents(Type tile, ValueRange dynamic) {
  return getValueOrCreateConstantIndexOp(
      builder, loc,
      getMixedValues(cast<RankedTensorType>(tile).getShape(), dynamic,
                     builder));
}

Value Loops::allocate(Type tile, ArrayRef<Value> extents) {
  auto type = cast<RankedTensorType>(tile);
  SmallVector<Value> dynamic;
  for (auto [dim, extent] : llvm::enumerate(extents))
    if (type.isDynamicDim(dim))
      dynamic.push_back(extent);
  return memref::AllocOp::create(
      builder, loc, MemRefType::get(type.getShape(), type.getElementType()),
      dynamic);
}

void Loops::forEach(ArrayRef<Value> extents,
                    function_ref<void(ValueRange)> body) {
  OpBuilder::InsertionGuard guard(builder);
  SmallVector<Value> point;
  for (Value extent : extents) {
    auto loop = scf::ForOp::create(builder, loc, index(0), extent, index(1));
    builder.setInsertionPointToStart(loop.getBody());
    point.push_back(loop.getInductionVar());
  }
  body(point);
}

Value Loops::fill(Type tile, ArrayRef<Value> extents,
                  function_ref<Value(ValueRange)> element) {
  Value buffer = allocate(tile, extents);
  forEach(extents, [&](ValueRange point) {
    memref::StoreOp::create(builder, loc, element(point), buffer, point);
  });
  return buffer;
}

Value Loops::reduce(Value init, ArrayRef<Value> extents,
                    function_ref<Value(ValueRange, Value)> step, Value begin) {
  SmallVector<Value> point;
  SmallVector<scf::ForOp> loops;
  Value value = init;
  for (Value extent : extents) {
    Value first = begin && point.empty() ? begin : index(0);
    auto loop =
        scf::ForOp::create(builder, loc, first, extent, index(1), value);
    builder.setInsertionPointToStart(loop.getBody());
    point.push_back(loop.getInductionVar());
    value = loop.getRegionIterArg(0);
    loops.push_back(loop);
  }
  value = step(point, value);
  for (scf::ForOp loop : llvm::reverse(loops)) {
    scf::YieldOp::create(builder, loc, value);
    builder.setInsertionPointAfter(loop);
    value = loop.getResult(0);
  }
  return value;
}

Value Loops::read(Value buffer, AffineMap map, ValueRange point) {
  SmallVector<Value> indices;
  for (unsigned k = 0; k < map.getNumResults(); ++k)
    indices.push_back(point[map.getDimPosition(k)]);
  return load(buffer, indices);
}

Value Loops::compute(Region &region, ValueRange inputs, ArrayAttr maps,
                     ValueRange point) {
  SmallVector<Value> arguments;
  for (auto [input, map] :
       llvm::zip(inputs, maps.getAsValueRange<AffineMapAttr>()))
    arguments.push_back(read(input, map, point));
  return inlineRegion(builder, region, arguments, llvm::to_vector(point));
}

std::pair<SmallVector<Value>, Value> Loops::locate(Value memref, AffineMap map,
                                                   ValueRange dims,
                                                   ValueRange symbols,
                                                   unsigned firstLookup) {
  SmallVector<Value> indices;
  Value exists = arith::ConstantIntOp::create(builder, loc, 1, 1);
  for (auto [k, expr] : llvm::enumerate(map.getResults())) {
    Value place = affine::expandAffineExpr(builder, loc, expr, dims, symbols);
    Value size = memref::DimOp::create(builder, loc, memref, k);
    bool usesLookup = false;
    for (unsigned dim = firstLookup; dim < map.getNumDims(); ++dim)
      usesLookup |= expr.isFunctionOfDim(dim);
    if (usesLookup) {
      Value last = arith::SubIOp::create(builder, loc, size, index(1));
      place = arith::MinSIOp::create(builder, loc, place, last);
      place = arith::MaxSIOp::create(builder, loc, place, index(0));
    }
    // Unsigned: a negative place is beyond every size.
    Value inRange = compare(arith::CmpIPredicate::ult, place, size);
    exists = arith::AndIOp::create(builder, loc, exists, inRange);
    indices.push_back(place);
  }
  return {indices, exists};
}
