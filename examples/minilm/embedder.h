//===- embedder.h - The compiled model with its weights -------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef EMBEDDER_H
#define EMBEDDER_H

#include <fovea/fovea.h>

#include <stdint.h>

enum { EMBEDDING_WIDTH = 384 };

typedef struct embedder embedder;

/// Binds the model to a safetensors file. `threads` is 0 for as many as the
/// process may use. Returns NULL, with the reason in `error`, on failure.
embedder *embedder_open(const char *weights_path, int threads,
                        fovea_error *error);

void embedder_close(embedder *model);

/// Embeds `batch` sentences: `ids` is [batch, tokens], row-major, and row b
/// holds `length[b]` tokens and then padding. Writes [batch, EMBEDDING_WIDTH]
/// vectors of length 1 to `embeddings`.
fovea_status embedder_run(embedder *model, const int32_t *ids,
                          const int32_t *length, int64_t batch, int64_t tokens,
                          float *embeddings);

/// Why the last call of embedder_run failed.
const char *embedder_message(const embedder *model);

#endif
