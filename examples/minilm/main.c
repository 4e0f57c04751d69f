//===- main.c - How similar are these sentences? --------------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "embedder.h"
#include "wordpiece.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
  MAX_TOKENS = 512, // the model knows as many positions
  MAX_TABLE = 30,   // sentences; a larger table does not fit a screen
  ALIGNMENT = 64,
};

static const char usage[] =
    "usage: similarity --weights FILE.safetensors --vocab FILE.txt "
    "[OPTION]...\n"
    "                  [SENTENCE...]\n"
    "Prints how similar sentences are: the arguments or, without any, the "
    "lines\n"
    "of standard input.\n"
    "  --threads N        threads to use (default: all)\n"
    "  --batch N          sentences computed at once (default: 32)\n"
    "  --max-tokens N     cut longer sentences, 2 to 512 (default: 256)\n"
    "  --save FILE.npy    write the embeddings, f32[sentences, 384]\n";

typedef struct {
  const char *weights, *vocab, *save;
  int threads, batch, max_tokens;
} options;

typedef struct {
  char **items;
  size_t count, room;
} sentences;

static void *allocate(size_t size) {
  void *memory = aligned_alloc(ALIGNMENT, (size / ALIGNMENT + 1) * ALIGNMENT);
  if (!memory) {
    fputs("similarity: out of memory\n", stderr);
    exit(1);
  }
  return memory;
}

static void add_sentence(sentences *all, const char *text, size_t size) {
  if (all->count == all->room) {
    all->room = 2 * all->room + 16;
    char **items = allocate(all->room * sizeof *items);
    if (all->count)
      memcpy(items, all->items, all->count * sizeof *items);
    free(all->items);
    all->items = items;
  }
  char *copy = allocate(size + 1);
  memcpy(copy, text, size);
  copy[size] = 0;
  all->items[all->count++] = copy;
}

static void read_sentences(sentences *all, FILE *file) {
  char *line = NULL;
  size_t room = 0;
  for (ssize_t size; (size = getline(&line, &room, file)) >= 0;) {
    while (size && (line[size - 1] == '\n' || line[size - 1] == '\r'))
      --size;
    add_sentence(all, line, (size_t)size);
  }
  free(line);
}

/// Reads a number in [least, most] or exits.
static int number(const char *option, const char *text, int least, int most) {
  char *end;
  long value = strtol(text, &end, 10);
  if (end == text || *end || value < least || value > most) {
    fprintf(stderr,
            "similarity: --%s expects a number from %d to %d, but got '%s'\n",
            option, least, most, text);
    exit(2);
  }
  return (int)value;
}

static options parse(int argc, char **argv) {
  enum { WEIGHTS, VOCAB, THREADS, BATCH, TOKENS, SAVE, HELP };
  static const struct option known[] = {
      {"weights", required_argument, NULL, WEIGHTS},
      {"vocab", required_argument, NULL, VOCAB},
      {"threads", required_argument, NULL, THREADS},
      {"batch", required_argument, NULL, BATCH},
      {"max-tokens", required_argument, NULL, TOKENS},
      {"save", required_argument, NULL, SAVE},
      {"help", no_argument, NULL, HELP},
      {0}};
  options result = {.batch = 32, .max_tokens = 256};
  for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
    switch (option) {
    case WEIGHTS:
      result.weights = optarg;
      break;
    case VOCAB:
      result.vocab = optarg;
      break;
    case SAVE:
      result.save = optarg;
      break;
    case THREADS:
      result.threads = number("threads", optarg, 0, 1024);
      break;
    case BATCH:
      result.batch = number("batch", optarg, 1, 65536);
      break;
    case TOKENS:
      result.max_tokens = number("max-tokens", optarg, 2, MAX_TOKENS);
      break;
    case HELP:
      fputs(usage, stdout);
      exit(0);
    default:
      fputs(usage, stderr);
      exit(2);
    }
  }
  if (!result.weights || !result.vocab) {
    fputs(usage, stderr);
    exit(2);
  }
  return result;
}

/// Tokenizes `count` texts into rows of `ids`, padded to the longest of them;
/// returns its length.
static int64_t tokenize(const wordpiece *tokenizer, char *const *texts,
                        size_t count, size_t max_tokens, int32_t *ids,
                        int32_t *length) {
  size_t longest = 0;
  for (size_t i = 0; i < count; ++i) {
    size_t size = wordpiece_encode(tokenizer, texts[i], strlen(texts[i]),
                                   ids + i * max_tokens, max_tokens);
    length[i] = (int32_t)size;
    longest = size > longest ? size : longest;
  }
  int32_t padding = wordpiece_id(tokenizer, "[PAD]");
  for (size_t i = 0; i < count; ++i) {
    memmove(ids + i * longest, ids + i * max_tokens,
            (size_t)length[i] * sizeof *ids);
    for (size_t j = (size_t)length[i]; j < longest; ++j)
      ids[i * longest + j] = padding;
  }
  return (int64_t)longest;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/// Embeds all sentences, a batch at a time; returns whether that went well.
static bool embed_all(embedder *model, const wordpiece *tokenizer,
                      const sentences *all, const options *o, float *out) {
  size_t batch = (size_t)o->batch < all->count ? (size_t)o->batch : all->count;
  size_t room = (size_t)o->max_tokens;
  int32_t *ids = allocate(batch * room * sizeof *ids);
  int32_t *length = allocate(batch * sizeof *length);
  double start = now();
  int64_t tokens = 0;
  bool good = true;
  for (size_t i = 0; good && i < all->count; i += batch) {
    size_t count = all->count - i < batch ? all->count - i : batch;
    int64_t longest =
        tokenize(tokenizer, all->items + i, count, room, ids, length);
    for (size_t k = 0; k < count; ++k)
      tokens += length[k];
    good = embedder_run(model, ids, length, (int64_t)count, longest,
                        out + i * EMBEDDING_WIDTH) == FOVEA_OK;
  }
  if (good)
    printf("%zu sentences, %lld tokens: %.1f ms\n", all->count,
           (long long)tokens, 1e3 * (now() - start));
  else
    fprintf(stderr, "similarity: %s\n", embedder_message(model));
  free(ids);
  free(length);
  return good;
}

static void print_table(const sentences *all, const float *embeddings) {
  printf("\n    ");
  for (size_t i = 0; i < all->count; ++i)
    printf(" %5zu", i + 1);
  printf("\n");
  for (size_t i = 0; i < all->count; ++i) {
    printf("%4zu", i + 1);
    for (size_t j = 0; j < all->count; ++j) {
      double product = 0;
      for (size_t c = 0; c < EMBEDDING_WIDTH; ++c)
        product += (double)embeddings[i * EMBEDDING_WIDTH + c] *
                   embeddings[j * EMBEDDING_WIDTH + c];
      printf(" %5.2f", product);
    }
    printf("   %s\n", all->items[i]);
  }
}

static bool save(const char *path, float *embeddings, size_t count) {
  int64_t shape[] = {(int64_t)count, EMBEDDING_WIDTH};
  DLTensor tensor = {.data = embeddings,
                     .device = {kDLCPU, 0},
                     .ndim = 2,
                     .dtype = {kDLFloat, 32, 1},
                     .shape = shape};
  fovea_error error;
  if (fovea_npy_save(path, &tensor, &error) == FOVEA_OK)
    return true;
  fprintf(stderr, "similarity: %s\n", error.message);
  return false;
}

int main(int argc, char **argv) {
  options o = parse(argc, argv);
  sentences all = {0};
  for (int i = optind; i < argc; ++i)
    add_sentence(&all, argv[i], strlen(argv[i]));
  if (optind == argc)
    read_sentences(&all, stdin);

  bool good = false;
  char message[512];
  fovea_error error;
  embedder *model = NULL;
  float *embeddings =
      allocate(all.count * EMBEDDING_WIDTH * sizeof *embeddings);
  wordpiece *tokenizer = wordpiece_open(o.vocab, message, sizeof message);
  if (!tokenizer)
    fprintf(stderr, "similarity: %s\n", message);
  else if (!(model = embedder_open(o.weights, o.threads, &error)))
    fprintf(stderr, "similarity: %s\n", error.message);
  else
    good = embed_all(model, tokenizer, &all, &o, embeddings);
  if (good && all.count > 0 && all.count <= MAX_TABLE)
    print_table(&all, embeddings);
  if (good && o.save)
    good = save(o.save, embeddings, all.count);

  embedder_close(model);
  wordpiece_close(tokenizer);
  free(embeddings);
  for (size_t i = 0; i < all.count; ++i)
    free(all.items[i]);
  free(all.items);
  return good ? 0 : 1;
}
