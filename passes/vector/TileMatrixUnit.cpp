//===- TileMatrixUnit.cpp - the instructions of a matrix unit -------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The ops of MLIR's amx dialect want memory of bf16; pairs are i32 here, as
// vector code reads and writes them. So these are LLVM's intrinsics, for which
// LLVM also configures the unit.
//
//===----------------------------------------------------------------------===//

#include "passes/vector/TileMatrix.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace fovea::attn;

SmallVector<Value> MatrixUnit::sizes(Location loc, Shape shape) {
  SmallVector<Value> sizes;
  for (int64_t size : {shape.rows, 4 * shape.columns})
    sizes.push_back(LLVM::ConstantOp::create(builder, loc,
                                             builder.getI16IntegerAttr(size)));
  return sizes;
}

MatrixUnit::Place MatrixUnit::locate(Location loc, Value memref,
                                     ArrayRef<Value> indices,
                                     std::optional<unsigned> dim) {
  int64_t bytes =
      cast<MemRefType>(memref.getType()).getElementTypeBitWidth() / 8;
  auto memory = memref::ExtractStridedMetadataOp::create(builder, loc, memref);
  Value place = memory.getOffset();
  for (auto [index, stride] : llvm::zip(indices, memory.getStrides()))
    place = builder.createOrFold<arith::AddIOp>(
        loc, place, builder.createOrFold<arith::MulIOp>(loc, index, stride));
  Value unit = arith::ConstantIndexOp::create(builder, loc, bytes);
  Value base =
      memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, memref);
  Value address = arith::AddIOp::create(
      builder, loc, base,
      builder.createOrFold<arith::MulIOp>(loc, place, unit));
  Value stride =
      memory
          .getStrides()[dim ? *dim : static_cast<unsigned>(indices.size()) - 2];
  return {address, builder.createOrFold<arith::MulIOp>(loc, stride, unit)};
}

SmallVector<Value> MatrixUnit::point(Location loc, Place place) {
  auto toInteger = [&](Value index) -> Value {
    return arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                      index);
  };
  auto pointer = LLVM::LLVMPointerType::get(builder.getContext());
  return {
      LLVM::IntToPtrOp::create(builder, loc, pointer, toInteger(place.address)),
      toInteger(place.stride)};
}

static Value call(OpBuilder &builder, Location loc, StringRef name,
                  ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(
             builder, loc, LLVM::LLVMX86AMXType::get(builder.getContext()),
             builder.getStringAttr(name), operands)
      .getResult(0);
}

Value MatrixUnit::zero(Location loc, Shape shape) {
  return call(builder, loc, "llvm.x86.tilezero.internal", sizes(loc, shape));
}

Value MatrixUnit::load(Location loc, Place place, Shape shape) {
  SmallVector<Value> operands = sizes(loc, shape);
  llvm::append_range(operands, point(loc, place));
  return call(builder, loc, "llvm.x86.tileloadd64.internal", operands);
}

Value MatrixUnit::loadOnce(Location loc, Place place, Shape shape) {
  SmallVector<Value> operands = sizes(loc, shape);
  llvm::append_range(operands, point(loc, place));
  return call(builder, loc, "llvm.x86.tileloaddt164.internal", operands);
}

void MatrixUnit::prefetch(Location loc, Value address) {
  Value place = point(loc, {address, address})[0];
  LLVM::Prefetch::create(builder, loc, place, /*rw=*/0, /*hint=*/2,
                         /*cache=*/1);
}

void MatrixUnit::store(Location loc, Value tile, Value memref,
                       ArrayRef<Value> indices, Shape shape) {
  SmallVector<Value> operands = sizes(loc, shape);
  llvm::append_range(operands, point(loc, locate(loc, memref, indices)));
  operands.push_back(tile);
  LLVM::CallIntrinsicOp::create(
      builder, loc, builder.getStringAttr("llvm.x86.tilestored64.internal"),
      operands);
}

Value MatrixUnit::addProducts(Location loc, Value sum, Value a, Value b,
                              Shape shape, int64_t pairs) {
  SmallVector<Value> operands = sizes(loc, shape);
  operands.push_back(sizes(loc, {shape.rows, pairs})[1]);
  operands.append({sum, a, b});
  return call(builder, loc, "llvm.x86.tdpbf16ps.internal", operands);
}

MatrixUnit::Tiles MatrixUnit::addProducts(Location loc, Value from, Value to,
                                          int64_t step, Tiles sums, Load left,
                                          Load right,
                                          function_ref<void(Value)> also) {
  auto loop = scf::ForOp::create(
      builder, loc, from, to,
      arith::ConstantIndexOp::create(builder, loc, step), sums);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Value position = loop.getInductionVar();
  SmallVector<Value> lefts, rights;
  for (size_t k = 0; k < sums.size() / 2; ++k)
    lefts.push_back(left(position, k * rows));
  for (int64_t column : {int64_t(0), rows})
    rights.push_back(right(position, column));
  Tiles next;
  for (auto [k, sum] : llvm::enumerate(loop.getRegionIterArgs()))
    next.push_back(addProducts(loc, sum, lefts[k / 2], rights[k % 2]));
  if (also)
    also(position);
  scf::YieldOp::create(builder, loc, next);
  return llvm::to_vector_of<Value>(loop.getResults());
}
