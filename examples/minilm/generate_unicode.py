"""Writes unicode_tables.c: what BERT's uncased normalization does to each character.

The published tokenizer is asked character by character, so that its mixture of Unicode versions (categories of version 8,
newer case mappings) is kept. Hangul syllables are left out: wordpiece.c decomposes them by arithmetic.

usage: generate_unicode.py [--check]    # --check: exit 1 when unicode_tables.c is not up to date
"""

import pathlib
import sys

from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

TARGET = pathlib.Path(__file__).with_name("unicode_tables.c")
SURROGATES = range(0xD800, 0xE000)
HANGUL = range(0xAC00, 0xD7A4)

HEADER = """\
//===- unicode_tables.c - Character tables of BERT's normalization --------===//
//
// Part of Fovea, a compiler for attention.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Written by generate_unicode.py; do not edit.
// clang-format off

#include "unicode_tables.h"
"""


def read_tokenizer():
    """Classes {code point: name} and texts {code point: normalized text, where it differs}."""
    normalizer = BertNormalizer(clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
    splitter = BertPreTokenizer()
    classes, texts = {}, {}
    for code in range(0x110000):
        if code in SURROGATES or code in HANGUL:
            continue
        char = chr(code)
        text = normalizer.normalize_str(char)
        pieces = len(splitter.pre_tokenize_str(f"a{text}b"))
        if text == "":
            classes[code] = "DROP"
        elif text == " ":
            classes[code] = "SPACE"
        elif text.startswith(" "):
            classes[code], text = "IDEOGRAPH", text.strip()
        elif pieces == 3:
            classes[code] = "PUNCTUATION"
        if text not in ("", " ", char):
            texts[code] = text
    return classes, texts


def class_ranges(classes):
    ranges = []
    for code, name in sorted(classes.items()):
        if ranges and ranges[-1][1] == code - 1 and ranges[-1][2] == name:
            ranges[-1][1] = code
        else:
            ranges.append([code, code, name])
    return ranges


def mapping_runs(texts):
    """Runs [first, last, step, target]: code first + k * step becomes target + k * step."""
    runs = []
    for code, text in sorted(texts.items()):
        if len(text) > 1:
            continue
        last = runs[-1] if runs else None
        if last and ord(text) - code == last[3] - last[0]:
            step = code - last[1]
            if step == last[2] or (last[0] == last[1] and step <= 2):
                last[1], last[2] = code, step
                continue
        runs.append([code, code, 1, ord(text)])
    return runs


def table(kind, name, rows):
    lines, line = [f"const {kind} {name}[] = {{"], "  "
    for row in rows:
        cell = "{" + ",".join(row) + "},"
        if len(line) + len(cell) > 120:
            lines.append(line)
            line = "  "
        line += cell
    return "\n".join(lines + [line, "};", f"const size_t {name}_count = sizeof({name}) / sizeof({name}[0]);\n"])


def render():
    classes, texts = read_tokenizer()
    runs = mapping_runs(texts)
    longer = {code: text for code, text in texts.items() if len(text) > 1}
    assert max(map(len, longer.values())) <= 3
    number = "0x{:x}".format
    return "\n".join([
        HEADER,
        table("char_range", "char_classes",
              [(number(a), number(b), "CHAR_" + name) for a, b, name in class_ranges(classes)]),
        table("char_run", "char_runs",
              [(number(a), number(b), str(step), number(to)) for a, b, step, to in runs if a != b]),
        table("char_pair", "char_pairs", [(number(a), number(to)) for a, b, _, to in runs if a == b]),
        table("char_expansion", "char_expansions",
              [(number(code), "{" + ",".join(number(ord(c)) for c in text) + "}")
               for code, text in sorted(longer.items())])])


if __name__ == "__main__":
    text = render()
    if sys.argv[1:] == ["--check"]:
        if TARGET.read_text() != text:
            sys.exit(f"{TARGET} is not up to date: run {sys.argv[0]}")
    else:
        TARGET.write_text(text)
