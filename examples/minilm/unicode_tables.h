//===- unicode_tables.h - Character tables of BERT's normalization --------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// All tables are sorted by code point.

#ifndef UNICODE_TABLES_H
#define UNICODE_TABLES_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
  CHAR_WORD,        // part of a word; the class of all that is in no range
  CHAR_DROP,        // control characters, formats, accents
  CHAR_SPACE,       // ends a word
  CHAR_PUNCTUATION, // a word of its own
  CHAR_IDEOGRAPH,   // a word of its own
} char_class;

typedef struct {
  uint32_t first, last;
  char_class kind;
} char_range;

// first + k * step is written target + k * step: cases, mostly.
typedef struct {
  uint32_t first, last, step, target;
} char_run;

typedef struct {
  uint32_t code, target;
} char_pair;

// One character written as several; unused places are 0.
typedef struct {
  uint32_t code, targets[3];
} char_expansion;

extern const char_range char_classes[];
extern const size_t char_classes_count;
extern const char_run char_runs[];
extern const size_t char_runs_count;
extern const char_pair char_pairs[];
extern const size_t char_pairs_count;
extern const char_expansion char_expansions[];
extern const size_t char_expansions_count;

#endif
