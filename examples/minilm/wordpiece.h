//===- wordpiece.h - BERT's uncased WordPiece tokenizer -------------------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Wu et al. 2016; Devlin et al. 2018.

#ifndef WORDPIECE_H
#define WORDPIECE_H

#include <stddef.h>
#include <stdint.h>

typedef struct wordpiece wordpiece;

/// Reads a vocabulary: one token a line, the line's number (from 0) is its id.
/// Returns NULL, with a reason in `message`, when the file cannot be read, has
/// equal lines, or lacks one of [PAD] [UNK] [CLS] [SEP] [MASK].
wordpiece *wordpiece_open(const char *path, char *message, size_t message_size);

void wordpiece_close(wordpiece *tokenizer);

/// The id of a token, or -1.
int32_t wordpiece_id(const wordpiece *tokenizer, const char *token);

/// Writes [CLS], the tokens of `text` and [SEP] to `ids` and returns how many
/// they are: at most `capacity` (at least 2), as many tokens of `text` as fit.
/// `text` has `size` bytes of UTF-8; zeros and broken sequences are dropped, as
/// U+FFFD is. Reads the tokenizer only: threads may share it.
size_t wordpiece_encode(const wordpiece *tokenizer, const char *text,
                        size_t size, int32_t *ids, size_t capacity);

#endif
