/*===- fovea_npz.h - Reading NumPy archives -----------------------*- C -*-===*\
|*                                                                            *|
|* Part of Fovea, a compiler for attention.                                   *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|*===----------------------------------------------------------------------===*|
|*                                                                            *|
|* A library of its own (Fovea::npz), since only it needs zlib.               *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/
#ifndef FOVEA_FOVEA_NPZ_H
#define FOVEA_FOVEA_NPZ_H

#include "fovea.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct fovea_npz fovea_npz;

/** Opens an npz file: a zip archive of npy files, stored or deflated. */
FOVEA_API fovea_status fovea_npz_open(const char *path, fovea_npz **npz,
                                      fovea_error *error);
/** The number of arrays; 0 for NULL. */
FOVEA_API int64_t fovea_npz_count(const fovea_npz *npz);
/** The name of an array, without ".npy"; NULL when out of range. */
FOVEA_API const char *fovea_npz_name(const fovea_npz *npz, int64_t index);
/** Loads an array as fovea_npy_load does, from a copy. */
FOVEA_API fovea_status fovea_npz_load(const fovea_npz *npz, const char *name,
                                      DLManagedTensor **tensor,
                                      fovea_error *error);
FOVEA_API void fovea_npz_close(fovea_npz *npz);

#ifdef __cplusplus
}
#endif

#endif
