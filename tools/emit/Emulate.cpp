//===- Emulate.cpp - Code for one CPU, run on another ---------------------===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An instruction becomes a call of a function that is given the places of its
// operands and of its result: no calling convention has registers for them on a
// CPU that lacks the instruction. Tiles, which no other instruction reads, live
// in memory; all else is stored for the call and loaded after it.
//
//===----------------------------------------------------------------------===//

#include "tools/emit/Emulate.h"

#include "runtime/fovea_abi.h"
#include "tools/emit/EmulatedInstructions.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;
using namespace fovea;

/// Integers of the same bits as numbers of bf16, else the type.
static Type *toIntegers(Type *type) {
  return type->getScalarType()->isBFloatTy()
             ? type->getWithNewType(Type::getInt16Ty(type->getContext()))
             : type;
}

namespace {
/// Rewrites one function.
class Emulator {
public:
  explicit Emulator(Function &function)
      : function(function), builder(function.getContext()) {}

  Error run();

private:
  AllocaInst *createPlace(Type *type);
  Value *getTilePlace(Value *tile);
  Value *getPlace(unsigned number, Type *type);
  void copyTile(Value *to, Value *from);
  Error rewrite(Instruction &instruction);
  Error rewriteCall(CallInst &call);
  void rewritePhis(BasicBlock &block);
  Value *getBits(Value *value);
  void setBits(Instruction &instruction, Value *integers);
  Value *convertBits(CastInst &cast);
  Value *callBits(IntrinsicInst &call);
  Value *computeBits(Instruction &instruction);
  Error rewriteBf16(Instruction &instruction);

  static constexpr uint64_t tileBytes = 1024;

  Function &function;
  IRBuilder<> builder;
  /// Where tiles are.
  DenseMap<Value *, Value *> tiles;
  /// Places of the n-th operand of calls, the result being the first, by type.
  DenseMap<std::pair<unsigned, Type *>, Value *> places;
  /// Numbers of bf16 as integers.
  DenseMap<Value *, Value *> bits;
  SmallVector<Instruction *> replaced;
};
} // namespace

AllocaInst *Emulator::createPlace(Type *type) {
  IRBuilder<>::InsertPointGuard guard(builder);
  builder.SetInsertPoint(&function.getEntryBlock(),
                         function.getEntryBlock().begin());
  AllocaInst *place = builder.CreateAlloca(type);
  place->setAlignment(Align(64));
  return place;
}

/// Of a tile that may not have been computed yet, where it will be.
Value *Emulator::getTilePlace(Value *tile) {
  Value *&place = tiles[tile];
  if (!place)
    place = createPlace(ArrayType::get(builder.getInt8Ty(), tileBytes));
  return place;
}

/// Calls share places: each is read right after it is written.
Value *Emulator::getPlace(unsigned number, Type *type) {
  Value *&place = places[{number, type}];
  if (!place)
    place = createPlace(type);
  return place;
}

void Emulator::copyTile(Value *to, Value *from) {
  builder.CreateMemCpy(to, Align(64), from, Align(64), tileBytes);
}

Error Emulator::rewriteCall(CallInst &call) {
  StringRef name = call.getCalledFunction()->getName();
  const emit::Instruction *known = emit::findInstruction(name);
  if (!known)
    return createStringError("cannot emulate " + name);
  Type *type = call.getType();
  Value *result = ConstantPointerNull::get(builder.getPtrTy());
  if (type->isX86_AMXTy())
    result = getTilePlace(&call);
  else if (!type->isVoidTy())
    result = getPlace(0, toIntegers(type));
  SmallVector<Value *> operands = {result};
  for (Value *argument : call.args()) {
    if (argument->getType()->isX86_AMXTy()) {
      operands.push_back(getTilePlace(argument));
      continue;
    }
    Value *value = getBits(argument);
    Value *place = getPlace(operands.size(), value->getType());
    builder.CreateAlignedStore(value, place, Align(64));
    operands.push_back(place);
  }
  auto *callee = FunctionType::get(
      builder.getVoidTy(),
      SmallVector<Type *>(operands.size(), builder.getPtrTy()), false);
  builder.CreateCall(function.getParent()->getOrInsertFunction(
                         emit::getSymbol(*known), callee),
                     operands);
  if (type->isVoidTy() || type->isX86_AMXTy())
    replaced.push_back(&call);
  else
    setBits(call,
            builder.CreateAlignedLoad(toIntegers(type), result, Align(64)));
  return Error::success();
}

/// Tiles that depend on where control comes from are copied at the end of each
/// block that it comes from, and again at the beginning of this one: they may
/// be made of each other.
void Emulator::rewritePhis(BasicBlock &block) {
  for (PHINode &phi : block.phis()) {
    if (!phi.getType()->isX86_AMXTy())
      continue;
    Value *incoming =
        createPlace(ArrayType::get(builder.getInt8Ty(), tileBytes));
    for (auto [value, from] : zip(phi.incoming_values(), phi.blocks())) {
      builder.SetInsertPoint(from->getTerminator());
      copyTile(incoming, getTilePlace(value));
    }
    builder.SetInsertPoint(&block, block.getFirstInsertionPt());
    copyTile(getTilePlace(&phi), incoming);
    replaced.push_back(&phi);
  }
}

/// A number of bf16, or a vector of them, as integers; else the value.
Value *Emulator::getBits(Value *value) {
  auto known = bits.find(value);
  if (known != bits.end())
    return known->second;
  Type *type = toIntegers(value->getType());
  if (auto *cast = dyn_cast<BitCastInst>(value);
      cast && cast->getSrcTy() == type)
    return cast->getOperand(0);
  return builder.CreateBitCast(value, type);
}

/// Replaces an instruction by its result, as integers where that is of bf16.
void Emulator::setBits(Instruction &instruction, Value *result) {
  if (!instruction.getType()->isVoidTy()) {
    // Who reads it is rewritten in turn.
    Value *number = builder.CreateBitCast(result, instruction.getType());
    if (number != result)
      bits[number] = result;
    instruction.replaceAllUsesWith(number);
  }
  replaced.push_back(&instruction);
}

/// Rounds to the nearest number of bf16, of two the even one.
static Value *round(IRBuilder<> &builder, Value *number) {
  Type *words = number->getType()->getWithNewType(builder.getInt32Ty());
  auto constant = [&](uint64_t value) {
    return ConstantInt::get(words, value);
  };
  Value *bits = builder.CreateBitCast(number, words);
  Value *isOdd = builder.CreateAnd(builder.CreateLShr(bits, 16), constant(1));
  Value *rounded =
      builder.CreateAdd(bits, builder.CreateAdd(isOdd, constant(0x7fff)));
  Value *quiet = builder.CreateOr(bits, constant(0x400000));
  Value *word = builder.CreateSelect(builder.CreateFCmpUNO(number, number),
                                     quiet, rounded);
  return builder.CreateTrunc(builder.CreateLShr(word, 16),
                             words->getWithNewType(builder.getInt16Ty()));
}

/// The same numbers in f32.
static Value *widen(IRBuilder<> &builder, Value *bits) {
  Type *words = bits->getType()->getWithNewType(builder.getInt32Ty());
  return builder.CreateBitCast(
      builder.CreateShl(builder.CreateZExt(bits, words), 16),
      words->getWithNewType(builder.getFloatTy()));
}

/// What a conversion of or to bf16 gives; null for another one.
Value *Emulator::convertBits(CastInst &cast) {
  Value *source = cast.getOperand(0);
  Type *type = cast.getType();
  if (isa<FPTruncInst>(cast) && source->getType()->getScalarType()->isFloatTy())
    return round(builder, source);
  if (isa<FPExtInst>(cast) && type->getScalarType()->isFloatTy())
    return widen(builder, getBits(source));
  if (isa<BitCastInst>(cast))
    return builder.CreateBitCast(getBits(source), toIntegers(type));
  if (isa<SIToFPInst, UIToFPInst>(cast))
    return round(builder, builder.CreateCast(
                              cast.getOpcode(), source,
                              type->getWithNewType(builder.getFloatTy())));
  if (isa<FPToSIInst, FPToUIInst>(cast))
    return builder.CreateCast(cast.getOpcode(), widen(builder, getBits(source)),
                              type);
  return nullptr;
}

/// What a function of LLVM's own makes of numbers of bf16; null for another
/// one.
Value *Emulator::callBits(IntrinsicInst &call) {
  Type *type = toIntegers(call.getType());
  auto operand = [&](unsigned number) {
    return getBits(call.getArgOperand(number));
  };
  auto alignment = [&](unsigned number) {
    return call.getParamAlign(number).valueOrOne();
  };
  switch (call.getIntrinsicID()) {
  case Intrinsic::masked_load:
    return builder.CreateMaskedLoad(type, operand(0), alignment(0), operand(1),
                                    operand(2));
  case Intrinsic::masked_store:
    return builder.CreateMaskedStore(operand(0), operand(1), alignment(1),
                                     operand(2));
  case Intrinsic::fabs:
    return builder.CreateAnd(operand(0), ConstantInt::get(type, 0x7fff));
  default:
    return nullptr;
  }
}

/// What an instruction that is not emulated makes of numbers of bf16, as
/// integers; null where that is not known.
Value *Emulator::computeBits(Instruction &instruction) {
  Type *type = toIntegers(instruction.getType());
  auto operand = [&](unsigned number) {
    return getBits(instruction.getOperand(number));
  };
  if (auto *load = dyn_cast<LoadInst>(&instruction))
    return builder.CreateAlignedLoad(type, load->getPointerOperand(),
                                     load->getAlign());
  if (auto *store = dyn_cast<StoreInst>(&instruction))
    return builder.CreateAlignedStore(operand(0), store->getPointerOperand(),
                                      store->getAlign());
  if (auto *shuffle = dyn_cast<ShuffleVectorInst>(&instruction))
    return builder.CreateShuffleVector(operand(0), operand(1),
                                       shuffle->getShuffleMask());
  if (isa<SelectInst>(instruction))
    return builder.CreateSelect(operand(0), operand(1), operand(2));
  if (isa<ExtractElementInst>(instruction))
    return builder.CreateExtractElement(operand(0), operand(1));
  if (isa<InsertElementInst>(instruction))
    return builder.CreateInsertElement(operand(0), operand(1), operand(2));
  if (auto *compare = dyn_cast<FCmpInst>(&instruction))
    return builder.CreateFCmp(compare->getPredicate(),
                              widen(builder, operand(0)),
                              widen(builder, operand(1)));
  if (instruction.getOpcode() == llvm::Instruction::FNeg)
    return builder.CreateXor(operand(0), ConstantInt::get(type, 0x8000));
  // f32 has more than twice the digits: rounding twice is rounding once.
  if (auto *operation = dyn_cast<BinaryOperator>(&instruction))
    return round(builder, builder.CreateBinOp(operation->getOpcode(),
                                              widen(builder, operand(0)),
                                              widen(builder, operand(1))));
  if (auto *cast = dyn_cast<CastInst>(&instruction))
    return convertBits(*cast);
  if (auto *call = dyn_cast<IntrinsicInst>(&instruction))
    return callBits(*call);
  return nullptr;
}

/// Numbers of bf16 become integers: for a CPU that lacks instructions for them
/// the generator makes calls for each number, which not every C library has.
Error Emulator::rewriteBf16(Instruction &instruction) {
  Value *result = computeBits(instruction);
  if (!result)
    return createStringError(Twine("cannot emulate bf16 in ") +
                             instruction.getOpcodeName());
  setBits(instruction, result);
  return Error::success();
}

/// Whether an instruction makes or takes a kind of values.
static bool involves(Instruction &instruction,
                     function_ref<bool(Type *)> isKind) {
  return isKind(instruction.getType()) ||
         any_of(instruction.operands(),
                [&](Value *operand) { return isKind(operand->getType()); });
}

Error Emulator::rewrite(Instruction &instruction) {
  builder.SetInsertPoint(&instruction);
  if (auto *call = dyn_cast<CallInst>(&instruction)) {
    Function *callee = call->getCalledFunction();
    if (callee && callee->isTargetIntrinsic())
      return rewriteCall(*call);
  }
  if (involves(instruction,
               [](Type *type) { return type->getScalarType()->isBFloatTy(); }))
    return rewriteBf16(instruction);
  if (!isa<PHINode>(instruction) &&
      involves(instruction, [](Type *type) { return type->isX86_AMXTy(); }))
    return createStringError(Twine("cannot emulate tiles in ") +
                             instruction.getOpcodeName());
  return Error::success();
}

Error Emulator::run() {
  for (BasicBlock &block : function)
    rewritePhis(block);
  for (Instruction &instruction : make_early_inc_range(instructions(function)))
    if (Error error = rewrite(instruction))
      return error;
  for (Instruction *instruction : replaced)
    instruction->dropAllReferences();
  for (Instruction *instruction : replaced)
    instruction->eraseFromParent();
  return Error::success();
}

/// States that a program needs the features of `host` and no others.
static void setRequiredFeatures(GlobalVariable &program,
                                const DataLayout &layout,
                                const emit::Target &host) {
  auto *fields = cast<ConstantStruct>(program.getInitializer());
  unsigned number =
      layout.getStructLayout(fields->getType())
          ->getElementContainingOffset(offsetof(fovea_program, cpu_features));
  SmallVector<Constant *> values;
  for (const Use &field : fields->operands())
    values.push_back(cast<Constant>(field));
  values[number] =
      ConstantInt::get(values[number]->getType(), host.cpu.features);
  program.setInitializer(ConstantStruct::get(fields->getType(), values));
}

Error emit::emulate(Module &module, StringRef prefix, const Target &host) {
  for (Function &function : module) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", host.machine->getTargetCPU());
    function.addFnAttr("target-features",
                       host.machine->getTargetFeatureString());
    function.addFnAttr("prefer-vector-width", utostr(host.cpu.vectorBits));
    if (Error error = Emulator(function).run())
      return error;
  }
  setRequiredFeatures(*module.getNamedGlobal((prefix + "_program").str()),
                      module.getDataLayout(), host);
  return Error::success();
}
