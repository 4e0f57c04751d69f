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

void MatrixUnit::buildRowSums(Location loc, const RowSums &of) {
  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(builder, loc, value);
  };
  auto isLess = [&](Value a, Value b) {
    return builder.createOrFold<arith::CmpIOp>(loc, arith::CmpIPredicate::slt,
                                               a, b);
  };
  Value any = builder.createOrFold<arith::AndIOp>(
      loc, isLess(of.firstRow, of.endRow), isLess(of.first, of.end));
  auto branch = scf::IfOp::create(builder, loc, any, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(branch.thenBlock());
  unsigned count = of.numPieces;
  size_t numTiles = of.numRows / rows;
  Value step = index(of.step), atATime = index(of.numRows);
  // Pieces of one tile after the other.
  auto loadLeft = [&](Value row, Value position, size_t number) {
    if (int64_t offset = number / count * rows)
      row = arith::AddIOp::create(builder, loc, row, index(offset));
    return of.left(row, position, number % count);
  };
  auto loadLefts = [&](Value row, Value position) {
    SmallVector<Value> lefts;
    for (size_t number = 0; number < numTiles * count; ++number)
      lefts.push_back(loadLeft(row, position, number));
    return lefts;
  };
  // Of one piece there are as many loads as products, and none is early.
  bool isAhead = count > 1;
  SmallVector<Value> lefts;
  if (isAhead)
    lefts = loadLefts(of.firstRow, of.first);
  Value lastRow = builder.createOrFold<arith::SubIOp>(loc, of.endRow, atATime);

  auto rowLoop =
      scf::ForOp::create(builder, loc, of.firstRow, of.endRow, atATime, lefts);
  builder.setInsertionPointToStart(rowLoop.getBody());
  Value row = rowLoop.getInductionVar();
  // The last row, which has no next one, is loaded again.
  Value nextRow = arith::MinSIOp::create(
      builder, loc, arith::AddIOp::create(builder, loc, row, atATime), lastRow);
  SmallVector<Value> carried = of.begin(row);
  llvm::append_range(carried, rowLoop.getRegionIterArgs());
  auto loop = scf::ForOp::create(builder, loc, of.first, of.end, step, carried);
  {
    OpBuilder::InsertionGuard innerGuard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    Value position = loop.getInductionVar();
    Value next = arith::AddIOp::create(builder, loc, position, step);
    Value isInRow = isLess(next, of.end);
    next = arith::SelectOp::create(builder, loc, isInRow, next, of.first);
    Value rowOfNext =
        arith::SelectOp::create(builder, loc, isInRow, row, nextRow);
    ValueRange arguments = loop.getRegionIterArgs();
    Tiles sums = llvm::to_vector(arguments.take_front(2 * numTiles));
    lefts = isAhead ? llvm::to_vector(arguments.drop_front(2 * numTiles))
                    : loadLefts(row, position);
    for (unsigned piece = 0; piece < count; ++piece) {
      Tiles rights = {of.right(position, 0, piece),
                      of.right(position, rows, piece)};
      for (int other = static_cast<int>(count - piece) - 1; other >= 0; --other)
        for (size_t tile = 0; tile < numTiles; ++tile) {
          size_t number = tile * count + other;
          for (size_t k : {0, 1})
            sums[2 * tile + k] =
                addProducts(loc, sums[2 * tile + k], lefts[number], rights[k]);
          if (isAhead && other + piece + 1 == count)
            lefts[number] = loadLeft(rowOfNext, next, number);
        }
    }
    carried = sums;
    if (isAhead)
      llvm::append_range(carried, lefts);
    scf::YieldOp::create(builder, loc, carried);
  }
  of.finish(row, llvm::to_vector_of<Value>(
                     loop.getResults().take_front(2 * numTiles)));
  if (isAhead)
    scf::YieldOp::create(builder, loc,
                         loop.getResults().drop_front(2 * numTiles));
}
