/*===- sampler.h - Where a thread spends its time -----------------*- C -*-===*\
|*                                                                            *|
|* Part of Fovea, a compiler for attention.                                   *|
|* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    *|
|*                                                                            *|
|* A timer interrupts a thread many times a second and notes the instruction  *|
|* it is at. Unlike counters of hardware, this needs no permission and works  *|
|* in virtual machines.                                                       *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/
#ifndef FOVEA_BENCH_SAMPLER_H
#define FOVEA_BENCH_SAMPLER_H

#include "fovea/fovea.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Begins to sample the calling thread `rate` times a second, 1 to 10000, with
 *  room for `capacity` samples; later ones are dropped. One thread of a process
 *  at a time. Returns 0, or an errno: EBUSY while another is sampled, EINVAL,
 *  ENOMEM, ENOSYS where the system or the architecture is not supported. */
FOVEA_API int32_t fovea_sampler_start(int32_t rate, int64_t capacity);

/** Ends it, and writes up to `capacity` addresses. Returns how many; 0 when
 *  nothing was sampled. Call it from the thread that is sampled. */
FOVEA_API int64_t fovea_sampler_stop(uint64_t *addresses, int64_t capacity);

#ifdef __cplusplus
}
#endif

#endif
