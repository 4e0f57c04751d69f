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

/// Bytes of a row.
static constexpr int64_t rowBytes = 4 * MatrixUnit::rows;

Value MatrixUnit::size(Location loc, int64_t value) {
  return LLVM::ConstantOp::create(builder, loc,
                                  builder.getI16IntegerAttr(value));
}

/// The address of an element, and the bytes from row to row.
std::pair<Value, Value> MatrixUnit::locate(Location loc, Value memref,
                                           ArrayRef<Value> indices) {
  int64_t bytes =
      cast<MemRefType>(memref.getType()).getElementTypeBitWidth() / 8;
  auto memory = memref::ExtractStridedMetadataOp::create(builder, loc, memref);
  Value place = memory.getOffset();
  for (auto [index, stride] : llvm::zip(indices, memory.getStrides()))
    place = builder.createOrFold<arith::AddIOp>(
        loc, place, builder.createOrFold<arith::MulIOp>(loc, index, stride));
  Value unit = arith::ConstantIndexOp::create(builder, loc, bytes);
  auto toInteger = [&](Value index) -> Value {
    return arith::IndexCastOp::create(builder, loc, builder.getI64Type(),
                                      index);
  };
  Value base =
      memref::ExtractAlignedPointerAsIndexOp::create(builder, loc, memref);
  Value address = arith::AddIOp::create(
      builder, loc, base,
      builder.createOrFold<arith::MulIOp>(loc, place, unit));
  Value pointer = LLVM::IntToPtrOp::create(
      builder, loc, LLVM::LLVMPointerType::get(builder.getContext()),
      toInteger(address));
  Value stride = memory.getStrides()[indices.size() - 2];
  return {pointer,
          toInteger(builder.createOrFold<arith::MulIOp>(loc, stride, unit))};
}

static Value call(OpBuilder &builder, Location loc, StringRef name,
                  ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(
             builder, loc, LLVM::LLVMX86AMXType::get(builder.getContext()),
             builder.getStringAttr(name), operands)
      .getResult(0);
}

Value MatrixUnit::zero(Location loc) {
  return call(builder, loc, "llvm.x86.tilezero.internal",
              {size(loc, rows), size(loc, rowBytes)});
}

Value MatrixUnit::load(Location loc, Value memref, ArrayRef<Value> indices) {
  auto [pointer, stride] = locate(loc, memref, indices);
  return call(builder, loc, "llvm.x86.tileloadd64.internal",
              {size(loc, rows), size(loc, rowBytes), pointer, stride});
}

void MatrixUnit::store(Location loc, Value tile, Value memref,
                       ArrayRef<Value> indices) {
  auto [pointer, stride] = locate(loc, memref, indices);
  LLVM::CallIntrinsicOp::create(
      builder, loc, builder.getStringAttr("llvm.x86.tilestored64.internal"),
      {size(loc, rows), size(loc, rowBytes), pointer, stride, tile});
}

Value MatrixUnit::addProducts(Location loc, Value sum, Value a, Value b) {
  return call(
      builder, loc, "llvm.x86.tdpbf16ps.internal",
      {size(loc, rows), size(loc, rowBytes), size(loc, rowBytes), sum, a, b});
}

MatrixUnit::Tiles MatrixUnit::addProducts(Location loc, Value from, Value to,
                                          int64_t step, Tiles sums, Load left,
                                          Load right) {
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
  scf::YieldOp::create(builder, loc, next);
  return llvm::to_vector_of<Value>(loop.getResults());
}
