/*===- headers.c - The public headers are C11 ---------------------*- C -*-===*\
|*                                                                            *|
|* Part of Fovea, a compiler for attention.                                   *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include <fovea/fovea.h>
#include <fovea/fovea_abi.h>
#include <fovea/fovea_npz.h>

/* Called by the tests, so that the headers also link from C. */
uint32_t fovea_test_abi_version_from_c(void);
uint32_t fovea_test_abi_version_from_c(void) { return fovea_abi_version(); }
