/*===- fovea.h - Running compiled attention -----------------------*- C -*-===*\
|*                                                                            *|
|* Part of Fovea, a compiler for attention.                                   *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A context owns threads. A model binds a program (the object file that      *|
|* `fovea compile` wrote) to its weights; it is immutable and may be shared   *|
|* by threads. A session holds the workspace of one caller at a time.         *|
|*                                                                            *|
|*     fovea_error error;                                                     *|
|*     fovea_context *context;                                                *|
|*     fovea_context_create(NULL, &context, &error);                          *|
|*     fovea_model_create(context, &minilm_program, weights, &model, &error); *|
|*     fovea_session_create(model, &session, &error);                         *|
|*     if (minilm_embed(session, in, out, NULL) != FOVEA_OK)                  *|
|*       puts(fovea_session_message(session));                                *|
|*                                                                            *|
|* There is no global state. Every function but the queries returns a status; *|
|* a wrong argument is an error, never a crash. Functions that create take a  *|
|* fovea_error (or NULL) for the message; a session keeps its last message.   *|
|* On failure an out-pointer is set to NULL. Objects may be destroyed in any  *|
|* order: a session keeps its model alive, a model its context and weights.   *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/
#ifndef FOVEA_FOVEA_H
#define FOVEA_FOVEA_H

#include "fovea_types.h"

#include <dlpack/dlpack.h>
#include <stddef.h>

#if defined(__GNUC__)
#define FOVEA_API __attribute__((visibility("default")))
#else
#define FOVEA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*===----------------------------------------------------------------------===*\
|* Status                                                                     *|
\*===----------------------------------------------------------------------===*/

typedef enum fovea_status {
  FOVEA_OK = 0,
  /** A null pointer, a number out of range, an unknown name. */
  FOVEA_INVALID_ARGUMENT = 1,
  /** A tensor's rank or sizes do not fit the others. */
  FOVEA_BAD_SHAPE = 2,
  FOVEA_BAD_DTYPE = 3,
  /** Strides, alignment, or an output that overlaps another tensor. */
  FOVEA_BAD_LAYOUT = 4,
  /** A tensor is not in CPU memory. */
  FOVEA_BAD_DEVICE = 5,
  /** A condition stated in the program does not hold. Outputs are undefined. */
  FOVEA_REQUIREMENT_FAILED = 6,
  /** Outputs are complete, but an index read from a tensor was out of range and
   *  was clamped. */
  FOVEA_INDEX_CLAMPED = 7,
  /** The program needs instructions that this CPU lacks. */
  FOVEA_UNSUPPORTED_CPU = 8,
  /** The program was built for another version of the runtime, or its tables
   *  are inconsistent. */
  FOVEA_BAD_PROGRAM = 9,
  /** A file cannot be opened, read or written. */
  FOVEA_IO_ERROR = 10,
  /** A file's contents are malformed or not supported. */
  FOVEA_BAD_FILE = 11,
  /** The weights lack a parameter, or have it in another shape or type. */
  FOVEA_BAD_WEIGHTS = 12,
  FOVEA_OUT_OF_MEMORY = 13,
  /** The session is running another call. */
  FOVEA_BUSY = 14,
} fovea_status;

#define FOVEA_MESSAGE_SIZE 512

/** What went wrong; the message is "" after success, and cut at its size. */
typedef struct fovea_error {
  fovea_status status;
  char message[FOVEA_MESSAGE_SIZE];
} fovea_error;

/** "bad shape" for FOVEA_BAD_SHAPE; "unknown status" for other values. */
FOVEA_API const char *fovea_status_name(fovea_status status);

/** The FOVEA_ABI_VERSION that this runtime was built with. */
FOVEA_API uint32_t fovea_abi_version(void);

/** The features of this CPU that the operating system lets programs use, as
 *  bits FOVEA_CPU_BIT(FOVEA_CPU_...). */
FOVEA_API uint64_t fovea_cpu_features(void);

typedef struct fovea_context fovea_context;
typedef struct fovea_weights fovea_weights;
typedef struct fovea_model fovea_model;
typedef struct fovea_session fovea_session;

/*===----------------------------------------------------------------------===*\
|* Contexts                                                                   *|
\*===----------------------------------------------------------------------===*/

/** A share of a parallel loop. */
typedef void (*fovea_task)(void *argument, int32_t worker);

/** A caller's own threads: calls `task(argument, w)` at most once for each w in
 *  [0, workers), in any order, on any threads, at once or one after another,
 *  and returns when all have returned. What it leaves out, the thread that
 *  called fovea_session_run does. */
typedef void (*fovea_parallel)(void *user, fovea_task task, void *argument,
                               int32_t workers);

typedef struct fovea_context_options {
  /** sizeof(fovea_context_options), so that later versions may add fields. */
  uint32_t struct_size;
  /** Threads that work on one call, the caller's included; 0 for as many as
   *  the process may use. At most 1024. Results do not depend on it. */
  int32_t threads;
  /** NULL for a pool of threads of the context's own. With a callback the
   *  context starts no thread, and `threads` is the number of workers. */
  fovea_parallel parallel;
  void *user;
  /** The CPU whose code models of this context use, of those that a program was
   *  compiled for, such as "x86-64-v3"; "" for the best that this CPU can run.
   *  NULL for what the environment variable FOVEA_CPU says; that is the best
   *  where it is not set. */
  const char *cpu;
} fovea_context_options;

/** Creates a context; `options` may be NULL for the defaults. */
FOVEA_API fovea_status
fovea_context_create(const fovea_context_options *options,
                     fovea_context **context, fovea_error *error);
/** The number of threads in use, at least 1; 0 for NULL. */
FOVEA_API int32_t fovea_context_threads(const fovea_context *context);
FOVEA_API void fovea_context_destroy(fovea_context *context);

/*===----------------------------------------------------------------------===*\
|* Weights                                                                    *|
\*===----------------------------------------------------------------------===*/

/** Maps a safetensors file and checks its header. The file must not change
 *  while the weights, or a model made with them, exist. */
FOVEA_API fovea_status fovea_weights_open(const char *path,
                                          fovea_weights **weights,
                                          fovea_error *error);
/** Reads a safetensors file that is in memory. The memory is borrowed by the
 *  weights and by every model made with them. */
FOVEA_API fovea_status fovea_weights_from_memory(const void *data, size_t size,
                                                 fovea_weights **weights,
                                                 fovea_error *error);
/** The number of tensors; 0 for NULL. */
FOVEA_API int64_t fovea_weights_count(const fovea_weights *weights);
/** The name of a tensor, in the order of the file; NULL when out of range. */
FOVEA_API const char *fovea_weights_name(const fovea_weights *weights,
                                         int64_t index);
/** Fills in a view of a tensor, compact and row-major, not to be written, and
 *  valid until the weights are destroyed. Elements may be misaligned. */
FOVEA_API fovea_status fovea_weights_tensor(const fovea_weights *weights,
                                            const char *name, DLTensor *tensor,
                                            fovea_error *error);
FOVEA_API void fovea_weights_destroy(fovea_weights *weights);

/*===----------------------------------------------------------------------===*\
|* Models                                                                     *|
\*===----------------------------------------------------------------------===*/

/** Binds a program to its weights: checks the ABI version, chooses the code for
 *  this CPU (fovea_context_options::cpu), finds every parameter, checks its
 *  shape, and converts and packs it where the code wants it so. `weights` may
 * be NULL for a program without parameters. The program itself must outlive the
 * model. */
FOVEA_API fovea_status fovea_model_create(fovea_context *context,
                                          const fovea_program *program,
                                          const fovea_weights *weights,
                                          fovea_model **model,
                                          fovea_error *error);
FOVEA_API void fovea_model_destroy(fovea_model *model);

/** What an entry declares of an operand or a result. */
typedef struct fovea_tensor_info {
  const char *name;
  DLDataType dtype;
  int32_t rank;
  /** 1 for a scalar argument: a tensor of rank 0. */
  int32_t is_scalar;
  /** Bytes; the first element must be aligned so. */
  uint32_t alignment;
} fovea_tensor_info;

/** The CPU that the code in use was compiled for, such as "znver4"; NULL for
 *  NULL. */
FOVEA_API const char *fovea_model_cpu(const fovea_model *model);
FOVEA_API int32_t fovea_model_entry_count(const fovea_model *model);
/** NULL when out of range. */
FOVEA_API const char *fovea_model_entry_name(const fovea_model *model,
                                             int32_t entry);
/** The number of the entry of this name, or -1. */
FOVEA_API int32_t fovea_model_find_entry(const fovea_model *model,
                                         const char *name);
/** 0 when the entry is out of range. */
FOVEA_API int32_t fovea_model_input_count(const fovea_model *model,
                                          int32_t entry);
FOVEA_API int32_t fovea_model_output_count(const fovea_model *model,
                                           int32_t entry);
/** Fills `info` in; FOVEA_INVALID_ARGUMENT when a number is out of range. */
FOVEA_API fovea_status fovea_model_input(const fovea_model *model,
                                         int32_t entry, int32_t index,
                                         fovea_tensor_info *info);
FOVEA_API fovea_status fovea_model_output(const fovea_model *model,
                                          int32_t entry, int32_t index,
                                          fovea_tensor_info *info);

/*===----------------------------------------------------------------------===*\
|* Sessions                                                                   *|
\*===----------------------------------------------------------------------===*/

FOVEA_API fovea_status fovea_session_create(fovea_model *model,
                                            fovea_session **session,
                                            fovea_error *error);
FOVEA_API void fovea_session_destroy(fovea_session *session);

/** Runs an entry on tensors in CPU memory.
 *
 *  Each tensor must have the declared rank and dtype; the innermost stride
 *  must be 1 and the outer ones are free (of outputs, no two elements may
 *  share memory); the first element must be aligned to its own size and to
 *  fovea_tensor_info::alignment; sizes may be 0, and `data` may be NULL where
 *  there is no element. Booleans are one byte each, 0 or 1, of dtype bool or
 *  uint8.
 *  The memory range of an output must not overlap that of any other tensor of
 *  the call. Sizes of equally named indices must agree.
 *
 *  The tensors must stay as they are during the call and are not kept after
 *  it. Nothing is allocated unless the sizes need more workspace than any
 *  call before. `stream` must be NULL.
 *
 *  FOVEA_INDEX_CLAMPED is a warning: the outputs are complete. */
FOVEA_API fovea_status fovea_session_run(fovea_session *session, int32_t entry,
                                         const DLTensor *const *in,
                                         DLTensor *const *out, void *stream);

/** Writes the sizes of output `index` for these inputs (checked as run does)
 *  to `shape`, which has room for the output's rank. */
FOVEA_API fovea_status fovea_session_output_shape(fovea_session *session,
                                                  int32_t entry,
                                                  const DLTensor *const *in,
                                                  int32_t index,
                                                  int64_t *shape);

/** The message of the last call on this session: "" when it was FOVEA_OK. A
 *  call that returned FOVEA_BUSY leaves no message. Not to be read while a call
 *  runs. */
FOVEA_API const char *fovea_session_message(const fovea_session *session);

/*===----------------------------------------------------------------------===*\
|* npy files (npz: fovea_npz.h)                                               *|
\*===----------------------------------------------------------------------===*/

/** Loads an npy file (versions 1 to 3) as a compact row-major tensor that the
 *  caller owns: release it with `(*tensor)->deleter(*tensor)`. The file is
 *  mapped where its bytes can be used as they are, and must not be cut short
 *  meanwhile; writes to the tensor do not reach it. Elements of two bytes
 *  without a type ("V2") are read as bfloat16. */
FOVEA_API fovea_status fovea_npy_load(const char *path,
                                      DLManagedTensor **tensor,
                                      fovea_error *error);
/** Writes a tensor of any strides; the file appears whole or not at all. */
FOVEA_API fovea_status fovea_npy_save(const char *path, const DLTensor *tensor,
                                      fovea_error *error);

#ifdef __cplusplus
}
#endif

#endif
