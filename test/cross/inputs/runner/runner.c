/* Runs the first entry of the model in the header MODEL on npy files:
 * `runner FOLDER [WEIGHTS.safetensors]` reads FOLDER/INPUT.npy for each input,
 * writes FOLDER/OUTPUT.out.npy for each output, and prints the CPU that its
 * code was compiled for.
 */
#include MODEL

#include <fovea/fovea.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST = 8 };

static fovea_error error;

static void require(fovea_status status, const char *message) {
  if (status == FOVEA_OK)
    return;
  printf("%s: %s\n", fovea_status_name(status), message);
  exit(1);
}

static const char *path(const char *folder, const char *name, const char *end) {
  static char text[4096];
  snprintf(text, sizeof text, "%s/%s%s", folder, name, end);
  return text;
}

int main(int count, char **arguments) {
  fovea_context *context;
  fovea_weights *weights = NULL;
  fovea_model *model;
  fovea_session *session;
  require(fovea_context_create(NULL, &context, &error), error.message);
  if (count > 2)
    require(fovea_weights_open(arguments[2], &weights, &error), error.message);
  require(fovea_model_create(context, &model_program, weights, &model, &error),
          error.message);
  require(fovea_session_create(model, &session, &error), error.message);

  fovea_tensor_info info;
  DLManagedTensor *loaded[MOST];
  const DLTensor *in[MOST];
  int inputs = fovea_model_input_count(model, 0);
  int outputs = fovea_model_output_count(model, 0);
  for (int i = 0; i < inputs; ++i) {
    fovea_model_input(model, 0, i, &info);
    require(fovea_npy_load(path(arguments[1], info.name, ".npy"), &loaded[i],
                           &error),
            error.message);
    in[i] = &loaded[i]->dl_tensor;
  }
  DLTensor results[MOST], *out[MOST];
  int64_t shapes[MOST][MOST];
  for (int o = 0; o < outputs; ++o) {
    fovea_model_output(model, 0, o, &info);
    require(fovea_session_output_shape(session, 0, in, o, shapes[o]),
            fovea_session_message(session));
    size_t size = 64;
    for (int d = 0; d < info.rank; ++d)
      size *= (size_t)shapes[o][d];
    results[o] = (DLTensor){.data = aligned_alloc(64, size),
                            .device = {kDLCPU, 0},
                            .ndim = info.rank,
                            .dtype = info.dtype,
                            .shape = shapes[o]};
    out[o] = &results[o];
  }
  require(fovea_session_run(session, 0, in, out, NULL),
          fovea_session_message(session));
  for (int o = 0; o < outputs; ++o) {
    fovea_model_output(model, 0, o, &info);
    require(fovea_npy_save(path(arguments[1], info.name, ".out.npy"), out[o],
                           &error),
            error.message);
    free(results[o].data);
  }
  printf("%s\n", fovea_model_cpu(model));
  for (int i = 0; i < inputs; ++i)
    loaded[i]->deleter(loaded[i]);
  fovea_session_destroy(session);
  fovea_model_destroy(model);
  fovea_weights_destroy(weights);
  fovea_context_destroy(context);
  return 0;
}
