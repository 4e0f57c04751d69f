/*===- fovea_abi.h - What generated objects contain and receive ---*- C -*-===*\
|*                                                                            *|
|* Part of Fovea, a compiler for attention.                                   *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* The contract between the code generator and the runtime. Generated code    *|
|* addresses these structs by offset: the numbers in the comments are bytes   *|
|* on a 64-bit target, and the assertions at the end hold them in place. A    *|
|* change here raises FOVEA_ABI_VERSION.                                      *|
|*                                                                            *|
|* All tables are constants of the object and are never written. Pointers of  *|
|* empty tables may be NULL.                                                  *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/
#ifndef FOVEA_FOVEA_ABI_H
#define FOVEA_FOVEA_ABI_H

#include "fovea_types.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*===----------------------------------------------------------------------===*\
|* Calls                                                                      *|
\*===----------------------------------------------------------------------===*/

/** One piece of parallel work. `scratch` is 64-byte aligned, holds at least
 *  the `scratch_bytes` of the loop (NULL when that is 0), has undefined
 *  contents, and is private to the running thread until the body returns. */
typedef void (*fovea_body)(void *argument, int64_t index, void *scratch);

/** Calls `body(argument, index, scratch)` once for each index in [0, count),
 *  in any order, on any threads; each of these starts with indices that follow
 *  each other, low ones first; returns when all have returned. Does nothing for
 *  count <= 0. A body must not call it. */
typedef void (*fovea_parallel_for)(void *pool, fovea_body body, void *argument,
                                   int64_t count, int64_t scratch_bytes);

/** What an entry's `run` is given for one call. */
typedef struct fovea_invocation {
  /** Inputs, then outputs. A tensor is a pointer to MLIR's strided memref
   *  descriptor {void *allocated; void *aligned; int64_t offset;
   *  int64_t sizes[rank]; int64_t strides[rank];}, where allocated == aligned
   *  is the first element, offset is 0, strides count elements, the innermost
   *  stride is 1, and dimensions of size <= 1 (as well as all dimensions of an
   *  empty tensor) have the strides of a compact tensor. A scalar
   *  (FOVEA_TENSOR_SCALAR) is a pointer to the value itself. */
  void *const *tensors; /*  0 */
  /** Data of the parameters: member m of parameter p is at index
   *  (sum of the counts of the parameters before p) + m. */
  const void *const *params; /*  8 */
  /** Values of the entry's symbols, in the order of its table. */
  const int64_t *symbols; /* 16 */
  /** 64-byte aligned, workspace_size(symbols) bytes; NULL when that is 0. */
  void *workspace;                 /* 24 */
  fovea_parallel_for parallel_for; /* 32 */
  void *pool;                      /* 40 */
  /** 0 at the start. An entry that had to clamp a looked-up index leaves 1 +
   * the number of its message here, of the first if there are several, and goes
   * on to compute all its outputs. It writes outside of parallel work only. */
  int64_t *clamped; /* 48 */
  /** The most bodies that parallel_for runs at once, at least 1. Results must
   * not depend on it. */
  int64_t workers;  /* 56 */
} fovea_invocation; /* 64 */

/*===----------------------------------------------------------------------===*\
|* Tables                                                                     *|
\*===----------------------------------------------------------------------===*/

/** How the value of a symbol is found. */
enum {
  /** From the shapes: a dimension that is this symbol alone, or a group whose
   *  other factors are known (by exact division). */
  FOVEA_SYMBOL_SOLVED = 0,
  /** `value` is the size. */
  FOVEA_SYMBOL_FIXED = 1,
  /** `code` computes it. */
  FOVEA_SYMBOL_COMPUTED = 2,
  /** `value` is the number of a symbol of the program, which was solved from
   *  the shapes of the parameters. Only in the symbols of entries. */
  FOVEA_SYMBOL_PROGRAM = 3,
};

/** Words of a COMPUTED symbol's code, a postfix program. It leaves one value,
 *  needs at most FOVEA_CODE_STACK at a time, is evaluated in 64 bits with
 *  overflow and division by zero reported as errors, as is a negative
 *  result. */
enum {
  FOVEA_CODE_CONST = 0,  /* followed by the constant */
  FOVEA_CODE_SYMBOL = 1, /* followed by the number of a symbol of the table */
  FOVEA_CODE_INPUT = 2,  /* followed by the number of an integer scalar input */
  FOVEA_CODE_ADD = 3,
  FOVEA_CODE_SUB = 4,
  FOVEA_CODE_MUL = 5,
  FOVEA_CODE_FLOORDIV = 6,
  FOVEA_CODE_CEILDIV = 7,
  FOVEA_CODE_MOD = 8, /* floor modulo: the sign of the divisor */
  FOVEA_CODE_MIN = 9,
  FOVEA_CODE_MAX = 10,
};
#define FOVEA_CODE_STACK 16

/** The size of an index. */
typedef struct fovea_symbol {
  const char *name;    /*  0 */
  const int64_t *code; /*  8: COMPUTED, else NULL */
  int64_t value;       /* 16: FIXED: the size; PROGRAM: the symbol's number */
  int32_t kind;        /* 24: FOVEA_SYMBOL_* */
  int32_t code_words;  /* 28 */
} fovea_symbol;        /* 32 */

/** One memory dimension: the product of its factors, row-major over them. A
 *  factor >= 0 is a constant; a factor f < 0 is the symbol numbered ~f. */
typedef struct fovea_dim {
  const int64_t *factors; /*  0 */
  int64_t count;          /*  8: at least 1 */
} fovea_dim;              /* 16 */

enum {
  /** A scalar argument: rank 0, passed as a pointer to its value. */
  FOVEA_TENSOR_SCALAR = 1,
};

/** An operand or a result of an entry. */
typedef struct fovea_tensor_desc {
  const char *name;      /*  0 */
  const fovea_dim *dims; /*  8: over the entry's symbols */
  int32_t dtype;         /* 16: fovea_dtype */
  int32_t rank;          /* 20: at most FOVEA_MAX_RANK */
  uint32_t flags;        /* 24: FOVEA_TENSOR_* */
  /** Alignment in bytes that the code relies on for the first element: 0 or a
   *  power of two; the element's own size is always checked. Rows may begin
   *  at any element. */
  uint32_t alignment; /* 28 */
} fovea_tensor_desc;  /* 32 */
#define FOVEA_MAX_RANK 16

/** One entry point. The run function returns 0, or 1 + the number of the
 *  requirement that did not hold. It does not allocate, lock, throw, or keep
 *  any pointer that it was given. */
typedef struct fovea_entry {
  const char *name;                 /*  0 */
  const fovea_symbol *symbols;      /*  8 */
  const fovea_tensor_desc *inputs;  /* 16 */
  const fovea_tensor_desc *outputs; /* 24 */
  /** Messages of requirements (`attn.require`) and reports (`attn.report`). */
  const char *const *requirements;          /* 32 */
  int32_t (*run)(const fovea_invocation *); /* 40 */
  /** Bytes of workspace for these sizes, negative when they cannot be counted
   *  in an int64_t; NULL when none is ever needed. */
  int64_t (*workspace_size)(const int64_t *symbols); /* 48 */
  int32_t symbol_count;                              /* 56 */
  int32_t input_count;                               /* 60 */
  int32_t output_count;                              /* 64 */
  int32_t requirement_count;                         /* 68 */
} fovea_entry;                                       /* 72 */

/** How the elements of a parameter lie in memory. */
enum {
  /** Compact and row-major; read from the mapped file itself where dtype and
   *  alignment allow it. */
  FOVEA_LAYOUT_ROW_MAJOR = 0,
  /** The dimensions, taken in `order`, are read as [outer..., n..., k...]
   *  (the first outer_rank of them, the next n_rank, the rest); n and k are
   *  each flattened row-major. Stored is, 64-byte aligned,
   *      [outer][ceil(n / block)][k][block]
   *  where column c of panel p is n = p * block + c, and zero beyond n. */
  FOVEA_LAYOUT_PANELS = 1,
  /** The same with k in pairs, and zero beyond k:
   *      [outer][ceil(n / block)][FOVEA_PANEL_PAIRS * ceil(k / (2 *
   * FOVEA_PANEL_PAIRS))][block][2] */
  FOVEA_LAYOUT_PAIR_PANELS = 2,
};
/** Pairs of a tile of a matrix unit. */
#define FOVEA_PANEL_PAIRS 16

/** A weight, or a family of weights of equal shape, one per loop iteration. */
typedef struct fovea_param {
  /** The name in the weights file. "{0}" stands for first + m, in decimal, for
   *  member m in [0, count). */
  const char *name;      /*  0 */
  const fovea_dim *dims; /*  8: over the program's symbols */
  const uint8_t *order;  /* 16: panels: a permutation of the dimensions */
  int64_t first;         /* 24 */
  int32_t count;         /* 32: at least 1 */
  int32_t dtype;         /* 36: in the kernel; the file's is converted to it */
  int32_t rank;          /* 40 */
  int32_t layout;        /* 44: FOVEA_LAYOUT_* */
  int32_t outer_rank;    /* 48 */
  int32_t n_rank;        /* 52 */
  int32_t block;         /* 56: panels: columns of one, at least 1 */
  /** ROW_MAJOR: as fovea_tensor_desc::alignment, at most 64. */
  uint32_t alignment; /* 60 */
} fovea_param;        /* 64 */

/** A program compiled for one CPU. The one symbol that a generated object
 *  exports, PREFIX_program, is the first of a chain of them: the same entries,
 *  compiled for CPUs that can do less and less. The first whose features this
 *  CPU has is used. */
struct fovea_program {
  uint32_t abi_version;        /*  0: FOVEA_ABI_VERSION */
  uint32_t struct_size;        /*  4: sizeof(fovea_program) */
  const char *name;            /*  8 */
  const char *target_cpu;      /* 16: for messages, such as "znver4" */
  uint64_t cpu_features;       /* 24: FOVEA_CPU_BIT of all that run may use */
  const fovea_entry *entries;  /* 32 */
  const fovea_param *params;   /* 40 */
  const fovea_symbol *symbols; /* 48: in the shapes of the parameters */
  int32_t entry_count;         /* 56 */
  int32_t param_count;         /* 60 */
  int32_t symbol_count;        /* 64 */
  int32_t reserved;            /* 68: 0 */
  const struct fovea_program *alternative; /* 72: the next, or NULL */
}; /* 80 */
/** The longest chain. */
#define FOVEA_MAX_ALTERNATIVES 64

/*===----------------------------------------------------------------------===*\
|* The offsets above                                                          *|
\*===----------------------------------------------------------------------===*/

#ifdef __cplusplus
#define FOVEA_ASSERT(cond) static_assert(cond, #cond)
#else
#define FOVEA_ASSERT(cond) _Static_assert(cond, #cond)
#endif
#define FOVEA_ASSERT_AT(type, field, at)                                       \
  FOVEA_ASSERT(offsetof(type, field) == at)

FOVEA_ASSERT_AT(fovea_invocation, params, 8);
FOVEA_ASSERT_AT(fovea_invocation, symbols, 16);
FOVEA_ASSERT_AT(fovea_invocation, workspace, 24);
FOVEA_ASSERT_AT(fovea_invocation, parallel_for, 32);
FOVEA_ASSERT_AT(fovea_invocation, pool, 40);
FOVEA_ASSERT_AT(fovea_invocation, clamped, 48);
FOVEA_ASSERT(sizeof(fovea_invocation) == 64);
FOVEA_ASSERT_AT(fovea_symbol, code, 8);
FOVEA_ASSERT_AT(fovea_symbol, value, 16);
FOVEA_ASSERT_AT(fovea_symbol, kind, 24);
FOVEA_ASSERT_AT(fovea_symbol, code_words, 28);
FOVEA_ASSERT(sizeof(fovea_symbol) == 32);
FOVEA_ASSERT_AT(fovea_dim, count, 8);
FOVEA_ASSERT(sizeof(fovea_dim) == 16);
FOVEA_ASSERT_AT(fovea_tensor_desc, dims, 8);
FOVEA_ASSERT_AT(fovea_tensor_desc, dtype, 16);
FOVEA_ASSERT_AT(fovea_tensor_desc, rank, 20);
FOVEA_ASSERT_AT(fovea_tensor_desc, flags, 24);
FOVEA_ASSERT_AT(fovea_tensor_desc, alignment, 28);
FOVEA_ASSERT(sizeof(fovea_tensor_desc) == 32);
FOVEA_ASSERT_AT(fovea_entry, symbols, 8);
FOVEA_ASSERT_AT(fovea_entry, inputs, 16);
FOVEA_ASSERT_AT(fovea_entry, outputs, 24);
FOVEA_ASSERT_AT(fovea_entry, requirements, 32);
FOVEA_ASSERT_AT(fovea_entry, run, 40);
FOVEA_ASSERT_AT(fovea_entry, workspace_size, 48);
FOVEA_ASSERT_AT(fovea_entry, symbol_count, 56);
FOVEA_ASSERT_AT(fovea_entry, input_count, 60);
FOVEA_ASSERT_AT(fovea_entry, output_count, 64);
FOVEA_ASSERT_AT(fovea_entry, requirement_count, 68);
FOVEA_ASSERT(sizeof(fovea_entry) == 72);
FOVEA_ASSERT_AT(fovea_param, dims, 8);
FOVEA_ASSERT_AT(fovea_param, order, 16);
FOVEA_ASSERT_AT(fovea_param, first, 24);
FOVEA_ASSERT_AT(fovea_param, count, 32);
FOVEA_ASSERT_AT(fovea_param, dtype, 36);
FOVEA_ASSERT_AT(fovea_param, rank, 40);
FOVEA_ASSERT_AT(fovea_param, layout, 44);
FOVEA_ASSERT_AT(fovea_param, outer_rank, 48);
FOVEA_ASSERT_AT(fovea_param, n_rank, 52);
FOVEA_ASSERT_AT(fovea_param, block, 56);
FOVEA_ASSERT_AT(fovea_param, alignment, 60);
FOVEA_ASSERT(sizeof(fovea_param) == 64);
FOVEA_ASSERT_AT(fovea_program, struct_size, 4);
FOVEA_ASSERT_AT(fovea_program, name, 8);
FOVEA_ASSERT_AT(fovea_program, target_cpu, 16);
FOVEA_ASSERT_AT(fovea_program, cpu_features, 24);
FOVEA_ASSERT_AT(fovea_program, entries, 32);
FOVEA_ASSERT_AT(fovea_program, params, 40);
FOVEA_ASSERT_AT(fovea_program, symbols, 48);
FOVEA_ASSERT_AT(fovea_program, entry_count, 56);
FOVEA_ASSERT_AT(fovea_program, param_count, 60);
FOVEA_ASSERT_AT(fovea_program, symbol_count, 64);
FOVEA_ASSERT_AT(fovea_program, alternative, 72);
FOVEA_ASSERT(sizeof(fovea_program) == 80);

#undef FOVEA_ASSERT_AT
#undef FOVEA_ASSERT

#ifdef __cplusplus
}
#endif

#endif
