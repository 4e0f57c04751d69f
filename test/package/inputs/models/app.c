/* Runs two compiled models in one program and compares both with plain loops.
 */
#include "any-width.h"
#include "fixed.h"

#include <fovea/fovea.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 2, LENGTH = 37, WIDTH = 8, SIZE = BATCH * LENGTH * WIDTH };

const fovea_program *part(void);

static _Alignas(64) float q[SIZE], k[SIZE], v[SIZE], expected[SIZE];

static DLTensor tensor(float *data) {
  static int64_t shape[3] = {BATCH, LENGTH, WIDTH};
  return (DLTensor){.data = data,
                    .device = {kDLCPU, 0},
                    .ndim = 3,
                    .dtype = {kDLFloat, 32, 1},
                    .shape = shape};
}

static void attend(void) {
  for (int b = 0; b < BATCH; ++b)
    for (int i = 0; i < LENGTH; ++i) {
      double sum = 0, out[WIDTH] = {0};
      for (int j = 0; j <= i; ++j) {
        double score = 0;
        for (int d = 0; d < WIDTH; ++d)
          score += (double)q[(b * LENGTH + i) * WIDTH + d] *
                   k[(b * LENGTH + j) * WIDTH + d];
        sum += exp(score);
        for (int e = 0; e < WIDTH; ++e)
          out[e] += exp(score) * v[(b * LENGTH + j) * WIDTH + e];
      }
      for (int e = 0; e < WIDTH; ++e)
        expected[(b * LENGTH + i) * WIDTH + e] = (float)(out[e] / sum);
    }
}

static void require(fovea_status status, const char *message) {
  if (status != FOVEA_OK) {
    printf("%s: %s\n", fovea_status_name(status), message);
    exit(1);
  }
}

typedef fovea_status entry(fovea_session *, const DLTensor *const *,
                           DLTensor *const *, void *);

static void check(const char *name, const fovea_program *program, entry *run) {
  fovea_error error;
  fovea_context *context;
  fovea_model *model;
  fovea_session *session;
  require(fovea_context_create(NULL, &context, &error), error.message);
  require(fovea_model_create(context, program, NULL, &model, &error),
          error.message);
  require(fovea_session_create(model, &session, &error), error.message);
  static _Alignas(64) float result[SIZE];
  DLTensor tensors[4] = {tensor(q), tensor(k), tensor(v), tensor(result)};
  const DLTensor *in[] = {&tensors[0], &tensors[1], &tensors[2]};
  DLTensor *out[] = {&tensors[3]};
  require(run(session, in, out, NULL), fovea_session_message(session));
  float worst = 0;
  for (int n = 0; n < SIZE; ++n)
    worst = fmaxf(worst, fabsf(result[n] - expected[n]));
  printf("%s for %s: %s\n", name, fovea_model_cpu(model),
         worst < 1e-6f ? "agrees" : "differs");
  fovea_session_destroy(session);
  fovea_model_destroy(model);
  fovea_context_destroy(context);
}

int main(void) {
  for (int n = 0; n < SIZE; ++n) {
    q[n] = (float)(n * 37 % 101) / 101 - 0.5f;
    k[n] = (float)(n * 53 % 103) / 103 - 0.5f;
    v[n] = (float)(n * 71 % 107) / 107 - 0.5f;
  }
  attend();
  check("any-width", &any_width_program, any_width_causal);
  check("fixed", part(), narrow_causal);
  return 0;
}
