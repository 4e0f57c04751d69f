//===- wordpiece.c - BERT's uncased WordPiece tokenizer -------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Normalization (controls dropped, accents stripped, lower case), splitting at
// spaces, punctuation and ideographs, then the longest known piece from the
// left.

#include "wordpiece.h"

#include "unicode_tables.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  MAX_WORD_CHARS = 100, // a longer word is unknown
  MAX_CHAR_BYTES = 4,
  SPECIALS = 5,
};

typedef struct {
  const char *text;
  uint32_t size;
  int32_t id;
} token;

struct wordpiece {
  char *file; // the vocabulary; tokens point into it
  token *slots;
  size_t slot_mask; // slots are a power of two, at most half of them used
  size_t longest;   // bytes of the longest token
  token specials[SPECIALS];
  int32_t unknown, begin, end;
};

// ---------------------------------------------------------------- vocabulary

static uint64_t hash_bytes(const char *text, size_t size) {
  uint64_t hash = 0xcbf29ce484222325u; // FNV-1a
  for (size_t i = 0; i < size; ++i)
    hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
  return hash ^ hash >> 32;
}

/// The slot that holds `text`, or the empty one where it belongs.
static token *find_slot(const wordpiece *tokenizer, const char *text,
                        size_t size) {
  size_t at = hash_bytes(text, size) & tokenizer->slot_mask;
  for (;; at = (at + 1) & tokenizer->slot_mask) {
    token *slot = &tokenizer->slots[at];
    if (!slot->text ||
        (slot->size == size && memcmp(slot->text, text, size) == 0))
      return slot;
  }
}

static int32_t find_id(const wordpiece *tokenizer, const char *text,
                       size_t size) {
  const token *slot = find_slot(tokenizer, text, size);
  return slot->text ? slot->id : -1;
}

static bool fail(char *message, size_t size, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(message, size, format, arguments);
  va_end(arguments);
  return false;
}

/// The whole file with a zero after it, or NULL.
static char *read_file(const char *path, size_t *size, char *message,
                       size_t message_size) {
  FILE *file = fopen(path, "rb");
  if (!file) {
    fail(message, message_size, "%s: %s", path, strerror(errno));
    return NULL;
  }
  char *data = NULL;
  size_t used = 0, room = 0;
  for (;;) {
    if (used + 1 >= room) {
      room = room ? 2 * room : 1 << 18;
      char *larger = realloc(data, room);
      if (!larger)
        break;
      data = larger;
    }
    size_t count = fread(data + used, 1, room - used - 1, file);
    used += count;
    if (count == 0)
      break;
  }
  bool whole = feof(file) && !ferror(file);
  fclose(file);
  if (!whole) {
    fail(message, message_size, "%s: cannot be read", path);
    free(data);
    return NULL;
  }
  data[used] = 0;
  *size = used;
  return data;
}

static bool fill_slots(wordpiece *tokenizer, size_t size, char *message,
                       size_t message_size) {
  int32_t id = 0;
  char *end = tokenizer->file + size;
  for (char *line = tokenizer->file; line < end; ++id) {
    char *stop = memchr(line, '\n', (size_t)(end - line));
    if (!stop)
      stop = end;
    size_t length = (size_t)(stop - line);
    if (length && line[length - 1] == '\r')
      --length;
    token *slot = find_slot(tokenizer, line, length);
    if (slot->text)
      return fail(message, message_size,
                  "the vocabulary's line %d repeats '%.*s' of line %d", id + 1,
                  (int)length, line, slot->id + 1);
    *slot = (token){line, (uint32_t)length, id};
    if (length > tokenizer->longest)
      tokenizer->longest = length;
    line = stop + 1;
  }
  static const char *const names[SPECIALS] = {"[PAD]", "[UNK]", "[CLS]",
                                              "[SEP]", "[MASK]"};
  for (int i = 0; i < SPECIALS; ++i) {
    tokenizer->specials[i] = *find_slot(tokenizer, names[i], strlen(names[i]));
    if (!tokenizer->specials[i].text)
      return fail(message, message_size, "the vocabulary lacks the token '%s'",
                  names[i]);
  }
  tokenizer->unknown = tokenizer->specials[1].id;
  tokenizer->begin = tokenizer->specials[2].id;
  tokenizer->end = tokenizer->specials[3].id;
  return true;
}

wordpiece *wordpiece_open(const char *path, char *message,
                          size_t message_size) {
  size_t size;
  char *file = read_file(path, &size, message, message_size);
  if (!file)
    return NULL;
  size_t lines = 1;
  for (size_t i = 0; i < size; ++i)
    lines += file[i] == '\n';
  size_t slots = 16;
  while (slots < 2 * lines)
    slots *= 2;
  wordpiece *tokenizer = calloc(1, sizeof *tokenizer);
  token *table = calloc(slots, sizeof *table);
  if (!tokenizer || !table) {
    fail(message, message_size, "out of memory");
    free(tokenizer);
    free(table);
    free(file);
    return NULL;
  }
  *tokenizer =
      (wordpiece){.file = file, .slots = table, .slot_mask = slots - 1};
  if (fill_slots(tokenizer, size, message, message_size))
    return tokenizer;
  wordpiece_close(tokenizer);
  return NULL;
}

void wordpiece_close(wordpiece *tokenizer) {
  if (!tokenizer)
    return;
  free(tokenizer->slots);
  free(tokenizer->file);
  free(tokenizer);
}

int32_t wordpiece_id(const wordpiece *tokenizer, const char *token) {
  return find_id(tokenizer, token, strlen(token));
}

// ---------------------------------------------------------------- characters

// Every row of the tables starts with a code point: `code`, or `first, last`.

static int compare_code(const void *code, const void *row) {
  const uint32_t *left = code, *right = row;
  return *left < *right ? -1 : *left > *right;
}

static int compare_range(const void *code, const void *row) {
  const uint32_t *left = code, *right = row;
  return *left < right[0] ? -1 : *left > right[1];
}

#define FIND(table, code, compare)                                             \
  bsearch(&(code), table, table##_count, sizeof *table, compare)

static char_class classify(uint32_t code) {
  const char_range *range = FIND(char_classes, code, compare_range);
  return range ? range->kind : CHAR_WORD;
}

/// Writes what normalization makes of a character; returns how many characters
/// (1 to 3).
static int normalize(uint32_t code, uint32_t targets[3]) {
  enum {
    HANGUL = 0xac00,
    SYLLABLES = 11172,
    LEADS = 0x1100,
    VOWELS = 0x1161,
    TAILS = 0x11a7
  };
  if (code - HANGUL < SYLLABLES) {
    uint32_t index = code - HANGUL;
    targets[0] = LEADS + index / (21 * 28);
    targets[1] = VOWELS + index / 28 % 21;
    targets[2] = TAILS + index % 28;
    return index % 28 ? 3 : 2;
  }
  const char_expansion *expansion = FIND(char_expansions, code, compare_code);
  if (expansion) {
    int count = 0;
    for (; count < 3 && expansion->targets[count]; ++count)
      targets[count] = expansion->targets[count];
    return count;
  }
  const char_run *run = FIND(char_runs, code, compare_range);
  const char_pair *pair = FIND(char_pairs, code, compare_code);
  targets[0] = code;
  if (run && (code - run->first) % run->step == 0)
    targets[0] = run->target + (code - run->first);
  else if (pair)
    targets[0] = pair->target;
  return 1;
}

/// Reads one character at `*at`; a broken sequence is U+FFFD and one byte long.
static uint32_t decode(const unsigned char *text, size_t size, size_t *at) {
  static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
  unsigned char lead = text[(*at)++];
  if (lead < 0x80)
    return lead;
  size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  if (lead < 0xc2 || lead > 0xf4 || size - *at < more)
    return 0xfffd;
  uint32_t code = lead & (0x3fu >> more);
  for (size_t i = 0; i < more; ++i) {
    unsigned char next = text[*at + i];
    if ((next & 0xc0) != 0x80)
      return 0xfffd;
    code = code << 6 | (next & 0x3fu);
  }
  if (code < least[more] || code > 0x10ffff ||
      (code >= 0xd800 && code < 0xe000))
    return 0xfffd;
  *at += more;
  return code;
}

static size_t encode_utf8(uint32_t code, char *out) {
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  for (size_t i = more; i > 0; --i, code >>= 6)
    out[i] = (char)(0x80 | (code & 0x3f));
  out[0] = (char)((0xf80u >> more & 0xffu) | code);
  return more + 1;
}

// ---------------------------------------------------------------- words

typedef struct {
  const wordpiece *tokenizer;
  int32_t *ids;
  size_t count, capacity;
  char word[MAX_WORD_CHARS * MAX_CHAR_BYTES];
  size_t size, chars; // of the word
} encoder;

static void add_id(encoder *e, int32_t id) {
  if (e->count < e->capacity)
    e->ids[e->count++] = id;
}

/// The longest token at bytes [start, size) of the word; returns its id or -1,
/// and its end.
static int32_t longest_piece(const encoder *e, size_t start, size_t *end) {
  char piece[2 + sizeof e->word];
  size_t prefix = start ? 2 : 0, rest = e->size - start;
  memcpy(piece, "##", prefix);
  memcpy(piece + prefix, e->word + start, rest);
  size_t size = prefix + rest;
  if (size > e->tokenizer->longest)
    size = e->tokenizer->longest;
  for (; size > prefix; --size) {
    bool inside =
        size < prefix + rest && ((unsigned char)piece[size] & 0xc0) == 0x80;
    int32_t id = inside ? -1 : find_id(e->tokenizer, piece, size);
    if (id >= 0) {
      *end = start + size - prefix;
      return id;
    }
  }
  return -1;
}

/// Ends the word: its pieces, or [UNK] when it is too long or a part of it is
/// unknown.
static void end_word(encoder *e) {
  if (e->chars == 0)
    return;
  size_t count = e->count, at = 0;
  bool known = e->chars <= MAX_WORD_CHARS;
  while (known && at < e->size) {
    int32_t id = longest_piece(e, at, &at);
    known = id >= 0;
    add_id(e, id);
  }
  if (!known) {
    e->count = count;
    add_id(e, e->tokenizer->unknown);
  }
  e->size = e->chars = 0;
}

static void add_char(encoder *e, uint32_t code) {
  if (++e->chars <= MAX_WORD_CHARS)
    e->size += encode_utf8(code, e->word + e->size);
}

static void add_text(encoder *e, const char *text, size_t size) {
  for (size_t at = 0; at < size && e->count < e->capacity;) {
    uint32_t code = decode((const unsigned char *)text, size, &at);
    char_class kind = classify(code);
    if (kind == CHAR_DROP)
      continue;
    if (kind != CHAR_WORD)
      end_word(e);
    if (kind == CHAR_SPACE)
      continue;
    uint32_t targets[3];
    int count = normalize(code, targets);
    for (int i = 0; i < count; ++i)
      add_char(e, targets[i]);
    if (kind != CHAR_WORD)
      end_word(e);
  }
  end_word(e);
}

/// The special token that `text` starts with, or NULL.
static const token *special_at(const wordpiece *tokenizer, const char *text,
                               size_t size) {
  for (int i = 0; i < SPECIALS; ++i) {
    const token *special = &tokenizer->specials[i];
    if (special->size <= size &&
        memcmp(text, special->text, special->size) == 0)
      return special;
  }
  return NULL;
}

size_t wordpiece_encode(const wordpiece *tokenizer, const char *text,
                        size_t size, int32_t *ids, size_t capacity) {
  encoder e = {.tokenizer = tokenizer, .ids = ids, .capacity = capacity - 1};
  add_id(&e, tokenizer->begin);
  size_t start = 0;
  for (size_t at = 0; at < size && e.count < e.capacity;) {
    const token *special =
        text[at] == '[' ? special_at(tokenizer, text + at, size - at) : NULL;
    if (!special) {
      ++at;
      continue;
    }
    add_text(&e, text + start, at - start);
    add_id(&e, special->id);
    start = at += special->size;
  }
  add_text(&e, text + start, size - start);
  e.capacity = capacity;
  add_id(&e, tokenizer->end);
  return e.count;
}
