//===- embedder.c - The compiled model with its weights -------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All that a program needs to run a compiled model. "minilm.h" is what
// `fovea compile` wrote for examples/minilm.attn.
//
//===----------------------------------------------------------------------===//

#include "embedder.h"

#include "minilm.h"

#include <stdlib.h>

struct embedder {
  fovea_session *session; // keeps its model, context and weights alive
};

embedder *embedder_open(const char *weights_path, int threads,
                        fovea_error *error) {
  fovea_context_options options = {.struct_size = sizeof options,
                                   .threads = threads};
  fovea_context *context = NULL;
  fovea_weights *weights = NULL;
  fovea_model *model = NULL;
  fovea_session *session = NULL;
  embedder *result = NULL;
  if (fovea_context_create(&options, &context, error) == FOVEA_OK &&
      fovea_weights_open(weights_path, &weights, error) == FOVEA_OK &&
      fovea_model_create(context, &minilm_program, weights, &model, error) ==
          FOVEA_OK &&
      fovea_session_create(model, &session, error) == FOVEA_OK) {
    result = malloc(sizeof *result);
    if (result)
      *result = (embedder){session};
    else
      *error = (fovea_error){FOVEA_OUT_OF_MEMORY, "out of memory"};
  }
  if (!result)
    fovea_session_destroy(session);
  fovea_model_destroy(model);
  fovea_weights_destroy(weights);
  fovea_context_destroy(context);
  return result;
}

void embedder_close(embedder *model) {
  if (!model)
    return;
  fovea_session_destroy(model->session);
  free(model);
}

/// A compact row-major view of memory.
static DLTensor view(const void *data, uint8_t code, int32_t rank,
                     int64_t *shape) {
  return (DLTensor){.data = (void *)data,
                    .device = {kDLCPU, 0},
                    .ndim = rank,
                    .dtype = {code, 32, 1},
                    .shape = shape};
}

fovea_status embedder_run(embedder *model, const int32_t *ids,
                          const int32_t *length, int64_t batch, int64_t tokens,
                          float *embeddings) {
  int64_t shape[] = {batch, tokens};
  int64_t result_shape[] = {batch, EMBEDDING_WIDTH};
  DLTensor id_view = view(ids, kDLInt, 2, shape);
  DLTensor length_view = view(length, kDLInt, 1, shape);
  DLTensor result = view(embeddings, kDLFloat, 2, result_shape);
  const DLTensor *in[] = {&id_view, &length_view};
  DLTensor *out[] = {&result};
  return minilm_embed(model->session, in, out, NULL);
}

const char *embedder_message(const embedder *model) {
  return fovea_session_message(model->session);
}
