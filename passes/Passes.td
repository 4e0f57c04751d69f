//===- Passes.td - the passes of the compiler ----------------*- tablegen -*-===//
//
// Part of the Fovea project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef FOVEA_PASSES_TD
#define FOVEA_PASSES_TD

// One file for each directory of passes.
include "passes/loops/LoopsPasses.td"
include "passes/graph/GraphPasses.td"
include "passes/mask/MaskPasses.td"
include "passes/vector/VectorPasses.td"
include "passes/schedule/SchedulePasses.td"
include "passes/tile/TilePasses.td"

//===----------------------------------------------------------------------===//
// Buffer form and below
//===----------------------------------------------------------------------===//

def EntryAbiPass : Pass<"attn-entry-abi", "mlir::ModuleOp"> {
  let summary = "make entries take and return memory";
  let description = [{
    Tensor arguments of functions marked `attn.entry` become strided memrefs
    whose innermost stride is 1; results become trailing out-arguments, marked
    `attn.result`, that keep the metadata of the results. A result in grouped
    dimensions is written through a view of the out-argument, so that
    bufferization need not copy it.

    ```mlir
    func.func @f(%x: tensor<?xf32>) -> tensor<?xf32> { ... return %r }
    ==>
    func.func @f(%x: memref<?xf32, strided<[1], offset: ?>>,
                 %r: memref<?xf32, strided<[1], offset: ?>> {attn.result}) {
      ...
      bufferization.materialize_in_destination %r_value in restrict writable %r
      return
    }
    ```
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::bufferization::BufferizationDialect",
    "mlir::memref::MemRefDialect"
  ];
}

def PlanMemoryPass : Pass<"attn-plan-memory", "mlir::ModuleOp"> {
  let summary = "lay intermediate buffers out in one workspace";
  let description = [{
    Every `memref.alloc` of an entry becomes a view of a new argument, marked
    `attn.workspace`, at a multiple of 64 bytes. Buffers whose lifetimes do not
    meet share their place, whose size is the largest of theirs. A private
    function `ENTRY_workspace_size(symbols)` returns the bytes needed for given
    index sizes (i64, in the order of the entry's symbols), or -1 when they
    cannot be counted.

    The size of a buffer must follow from the sizes of the entry's arguments.
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::func::FuncDialect",
    "mlir::LLVM::LLVMDialect", "mlir::memref::MemRefDialect"
  ];
}

def BindRuntimePass : Pass<"attn-bind-runtime", "mlir::ModuleOp"> {
  let summary = "make a program what the runtime calls";
  let description = [{
    Each entry in buffer form becomes `run(invocation) -> i32`
    (runtime/fovea_abi.h): operands, weights and the workspace are read from the
    invocation, `attn.require` returns 1 + its number, and all else returns 0;
    `attn.report` stores 1 + its number into the invocation.
    The tables that describe entries and weights are added, as constants that
    the one exported constant `PREFIX_program` refers to.
  }];
  let options = [
    Option<"prefix", "prefix", "std::string", /*default=*/"\"model\"",
           "what the name of the exported constant begins with">,
    Option<"cpu", "cpu", "std::string", /*default=*/"\"\"",
           "the CPU that the object is for, to be named in messages">,
    Option<"features", "features", "uint64_t", /*default=*/"0",
           "the CPU features that the object needs, as FOVEA_CPU_BITs">
  ];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::cf::ControlFlowDialect",
    "mlir::LLVM::LLVMDialect"
  ];
}

def OutlineParallelPass : Pass<"attn-outline-parallel", "mlir::ModuleOp"> {
  let summary = "turn parallel loops on buffers into functions of an index";
  let description = [{
    Each `scf.forall` becomes one call of the invocation's `parallel_for`. Its
    body becomes a private function `body(argument, index, scratch)`:

    - `argument` points to a structure on the caller's stack with the values
      that the body takes from outside; constants are repeated in the body;
    - `index` counts the iterations of all dimensions together, the last
      dimension fastest;
    - `scratch` is memory private to the running thread, 64-byte aligned: the
      buffers that the body allocates lie in it end to end. Their sizes may not
      depend on the iteration.

    A parallel loop inside another becomes sequential loops.

    ```mlir
    scf.forall (%i) in (%n) { body(%i, %x) }
    ==>
    %argument = llvm.alloca ... // holds %x
    llvm.call %parallel_for(%pool, @f.body, %argument, %n, %scratch_bytes)
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::func::FuncDialect",
    "mlir::LLVM::LLVMDialect", "mlir::memref::MemRefDialect", "mlir::scf::SCFDialect"];
}

def LowerCopiesPass : Pass<"attn-lower-copies"> {
  let summary = "turn copies of memrefs into elementwise computations";
  let description = [{
    Each `memref.copy` becomes a `linalg.generic` that yields its input: its
    lowering needs no function of a runtime, whatever the strides.
  }];
  let dependentDialects = ["mlir::linalg::LinalgDialect"];
}

def LowerExpandsPass : Pass<"attn-lower-expands"> {
  let summary = "turn expanded shapes of memrefs into sizes and strides";
  let description = [{
    Each `memref.expand_shape` becomes a `memref.reinterpret_cast`, also where
    several sizes of a group are dynamic, as in `(h, g)`.
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::memref::MemRefDialect"
  ];
}

def LowerMathPass : Pass<"attn-lower-math"> {
  let summary = "expand elementary functions of vectors into polynomials";
  let description = [{
    Exponentials, logarithms, `tanh` and `erf` of vectors of f32 become
    arithmetic, accurate to a few units in the last place (docs/language.md);
    other functions of vectors, and those of scalars, are left to the C library.
  }];
  let dependentDialects = [
    "mlir::arith::ArithDialect", "mlir::math::MathDialect",
    "mlir::vector::VectorDialect"
  ];
}

def LowerF8Pass : Pass<"attn-lower-f8"> {
  let summary = "convert reals of 8 bits by integer arithmetic";
  let description = [{
    Hardly a CPU has conversions of f8E4M3FN and f8E5M2. `arith.extf` of them to f32, and `arith.truncf` of
    f32 to them, on numbers or vectors, become operations on the bits:

    ```
    extf x   ==>  bitcast(((x & 0x7f) << 20) + (120 << 23)), below the normal range
                  bitcast(((x & 0x7f) << 20) + (121 << 23)) - 2^-6, with the sign of x;
                  NaN where x & 0x7f = 0x7f    (f8E4M3FN)
    truncf x ==>  the bits of |x| rounded to nearest even at the last bit that is kept, less the difference of
                  the exponents' biases; below the normal range |x| + 2^14 is rounded by the addition
    ```
  }];
  let dependentDialects = ["mlir::arith::ArithDialect"];
}

def LowerBf16Pass : Pass<"attn-lower-bf16", "mlir::ModuleOp"> {
  let summary = "hold bf16 as integers of 16 bits";
  let description = [{
    Hardly a CPU has registers for bf16: LLVM extends what is only moved to f32, element by element, and calls a
    library to round it back. In the LLVM dialect all values, vectors, arguments and constants of
    bf16 become i16 of the same bits; an operation that computes gets casts.

    ```mlir
    %s = llvm.shufflevector %a, %b [0, 2] : vector<2xbf16>
    %w = llvm.fpext %s : vector<2xbf16> to vector<2xf32>
    ==>
    %s = llvm.shufflevector %a, %b [0, 2] : vector<2xi16>
    %n = llvm.bitcast %s : vector<2xi16> to vector<2xbf16>
    %w = llvm.fpext %n : vector<2xbf16> to vector<2xf32>
    ```
  }];
  let dependentDialects = ["mlir::LLVM::LLVMDialect"];
}

def ParallelizeGenericsPass : Pass<"attn-parallelize-generics"> {
  let summary = "run linalg operations on memory as parallel loops over rows";
  let description = [{
    Every linalg operation on memrefs, outside of parallel loops, becomes one
    `scf.forall` over tasks of some rows each. Its outer parallel dimensions
    count the rows; the rest, with the contiguous dimension last, are loops
    within a row. A reduction along rows keeps its results in registers, and
    its sums may be reordered: by the lanes of vectors, the same on any number
    of threads. Elementary functions of f32 become polynomials.

    Operations that follow each other, have the same rows, and share nothing
    but what belongs to the same row become one loop, so that a row stays in
    the cache between them:

    ```
    mean = sum(x)                         forall tasks:
    var = sum((x - mean)^2)         ==>     for rows:
    y = (x - mean) * rsqrt(var)               mean; var; y
    ```
  }];
  let dependentDialects = [
    "mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
    "mlir::math::MathDialect", "mlir::memref::MemRefDialect",
    "mlir::scf::SCFDialect", "mlir::vector::VectorDialect"
  ];
}

#endif // FOVEA_PASSES_TD
