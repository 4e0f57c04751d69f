"""Compares wordpiece.c with the published tokenizer: equal ids on every character and on hundreds of awkward texts.

usage: check_tokenizer.py       # compiles wordpiece.c with $CC (default: cc); exit 1 at a difference
"""

import ctypes
import os
import pathlib
import random
import shlex
import subprocess
import sys
import tempfile

import numpy as np
import tokenizers

import weights

FOLDER = pathlib.Path(__file__).resolve().parent

TEXTS = [
    "", " ", "\t\n\r", "a", "A", ".", "...", "Hello, world!", "hello   world", " leading", "trailing ",
    "The quick brown fox jumps over the lazy dog.", "isn't it? it's; don't", "state-of-the-art", "e-mail@example.com",
    "https://example.com/a_b?c=d&e=%20#f", "3.14159 1,000,000 1e-12 0x1F", "$5 €5 £5 ¥5 ₹5", "C++ C# .NET",
    "snake_case camelCase SCREAMING", "tab\tnew\nline\rreturn", "nul\0inside", "bell\x07 escape\x1b[0m del\x7f",
    "vertical\x0btab form\x0cfeed next\x85line", "no\u00a0break thin\u2009space zero\u200bwidth",
    "line\u2028separator paragraph\u2029separator", "soft\u00adhyphen byte\ufefforder", "replacement\ufffdchar",
    "left\u202etoright", "joiner\u200d non\u200cjoiner", "café cafe\u0301 CAFÉ", "naïve façade Ångström", "Zażółć gęślą jaźń",
    "Ελλάδα ΣΊΣΥΦΟΣ ᾄδω ᾳ", "Привет, мир! Ёлка й", "Київ Ґанок", "İstanbul ISPARTA ı I", "Straße STRASSE ẞ", "ǅ ǆ Ǆ ŉ ŀ ﬁ ﬂ",
    "Tiếng Việt Nguyễn", "שָׁלוֹם עולם", "مَرْحَبًا بالعالم", "नमस्ते दुनिया", "வணக்கம் கௌ கொ", "ສະບາຍດີ", "สวัสดีชาวโลก", "ગુજરાતી ਪੰਜਾਬੀ",
    "안녕하세요 세계", "한글 각 가 힣", "ㄱㄴㄷ ᄀ", "こんにちは世界", "カタカナ ｶﾀｶﾅ が ガ", "中文分词测试", "中a文b", "漢字かな交じり文", "豈更車", "𠀀𪛖𫝀",
    "，。！？；：「」『』【】", "¿Qué? ¡Hola!", "«guillemets» „quotes“ ‘single’", "em—dash en–dash ‑ − ‐", "5′ 10″ 45° ½ ¼ ²³", "™ © ® § ¶ † ‡ •",
    "😀 😃smile 👍🏽 👩‍👩‍👧 🏳️‍🌈 🇩🇪", "❤️ ☃ ✓ ★", "∑∫√∞≠≤≥ ±×÷", "αβγ ΑΒΓ ϐ ϕ ς σ Σ", "ℕ ℝ ℵ ℌ K Å Ω", "Ⅷ ⅷ ① ⓐ Ⓐ", "𝒜𝓑 𝟘 𐐀𐐨",
    "x²+y²=z²", "f(x)=ax^2+b*x+c", "`code` ~tilde~ |pipe| \\back\\", "<b>tag</b> &amp; {curly} [square]",
    "[CLS] [SEP] [PAD] [MASK] [UNK]", "[MASK]", "a[MASK]b", "[cls] [ CLS ] [CLS", "[[MASK]]", "[SEP][SEP]", "[MASK", "##ing ##", "un##ing",
    "antidisestablishmentarianism", "pneumonoultramicroscopicsilicovolcanoconiosis", "xqzjkvwp", "asdfghjkl" * 3,
    "a" * 99, "a" * 100, "a" * 101, "a" * 1000, "é" * 100, "é" * 101, "e\u0301" * 101, "中" * 101, "각" * 33, "각" * 34, "." * 200,
    "a" * 100 + "." + "b" * 101, "word " * 300, "the " + "z" * 500 + " end", "\u0301", "\u0301\u0302a", "a\u0301\u0302\u0303b",
    "\u1100\u1161\u11a8", "q\u0307\u0323 q\u0323\u0307", "\u0f73 \u0958 \u212b \u2126 \u037e \u0387 \u1fef \u2000",
]


def random_texts(count, seed):
    """Words in common scripts, mixtures of scripts, any characters at all, and pieces of the vocabulary."""
    rng = random.Random(seed)
    alphabets = ["abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJ klmno", "äöüßéèêëñçÅØÆ", "абвгдежзийклмнопЁЙ", "αβγδεζηθΆΈΉ",
                 "אבגדהוזח", "ابتثجحخد", "कखगघािीुू", "가나다라마힣", "中文字漢", ".,;:!?'\"()[]-_/\\@#$%&*", " \t\n\u00a0\u3000",
                 "\u0300\u0301\u0308\u0327", "0123456789", "😀👍🏽❤\ufe0f\u200d"]
    pieces = [line.removeprefix("##") for line in open(weights.model_dir() / "vocab.txt", encoding="utf-8").read().split("\n")]
    for index in range(count):
        kind = index % 4
        if kind == 0:
            alphabet = rng.choice(alphabets) + " "
            yield "".join(rng.choices(alphabet, k=rng.randint(1, 80)))
        elif kind == 1:
            yield "".join(rng.choice(rng.choice(alphabets)) for _ in range(rng.randint(1, 120)))
        elif kind == 2:
            codes = (rng.randrange(rng.choice((0x250, 0x3000, 0x110000))) for _ in range(rng.randint(1, 60)))
            yield "".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000)
        else:
            yield rng.choice(("", " ", "-")).join(rng.choices(pieces, k=rng.randint(1, 40)))


def every_character(per_text=64):
    """Each character between two letters, alone, and doubled."""
    codes = [code for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    for begin in range(0, len(codes), per_text):
        yield " ".join(f"a{chr(code)}b {chr(code)} {chr(code)}{chr(code)}a" for code in codes[begin:begin + per_text])


class WordPiece:
    """wordpiece.c, compiled for this process."""

    def __init__(self, folder):
        library = pathlib.Path(folder) / "wordpiece.so"
        sources = [str(FOLDER / name) for name in ("wordpiece.c", "unicode_tables.c")]
        subprocess.run([*shlex.split(os.environ.get("CC", "cc")), "-std=c11", "-O2", "-shared", "-fPIC", *sources, "-o",
                        str(library)], check=True)
        self.library = ctypes.CDLL(str(library))
        self.library.wordpiece_open.restype = ctypes.c_void_p
        self.library.wordpiece_encode.restype = ctypes.c_size_t
        message = ctypes.create_string_buffer(512)
        self.handle = ctypes.c_void_p(self.library.wordpiece_open(
            str(weights.model_dir() / "vocab.txt").encode(), message, ctypes.c_size_t(len(message))))
        if not self.handle:
            raise RuntimeError(message.value.decode())

    def encode(self, text: bytes, capacity: int) -> list[int]:
        ids = np.full(capacity + 1, -7, np.int32)
        count = self.library.wordpiece_encode(self.handle, text, ctypes.c_size_t(len(text)),
                                              ids.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(capacity))
        if count > capacity or ids[capacity] != -7:
            raise RuntimeError(f"wrote more than {capacity} ids of {text!r}")
        return ids[:count].tolist()


def compare(name, ours, theirs, texts, capacity):
    """Encodes every text with both; exits with the first difference."""
    texts = list(texts)
    if capacity is None:
        theirs.no_truncation()
    else:
        theirs.enable_truncation(capacity)
    for text, expected in zip(texts, theirs.encode_batch(texts, add_special_tokens=True)):
        size = capacity or len(text.encode()) * 3 + 2
        found = ours.encode(text.encode(), size)
        if found != expected.ids:
            sys.exit(f"{name}: {text!r}\n  expected {expected.ids}\n  found    {found}")
    print(f"{name}: {len(texts)} texts, equal ids")


def check_broken(ours):
    """Broken UTF-8 counts as U+FFFD, which is dropped; and no input reads or writes out of bounds."""
    broken = [b"\xff", b"\xc0\xaf", b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf5", b"\x80", b"\xe4\xb8", b"\xf0\x9f\x98"]
    expected = ours.encode(b"good text", 10)
    for bad in broken:
        for text in (b"go" + bad + b"od text", bad + b"good text", b"good text" + bad, b"good " + bad * 50 + b" text"):
            if ours.encode(text, 10) != expected:
                sys.exit(f"broken UTF-8: {text!r}: expected {expected}, found {ours.encode(text, 10)}")
    rng = random.Random(3)
    for _ in range(2000):
        ours.encode(rng.randbytes(rng.randint(0, 300)), rng.randint(2, 40))
    print(f"broken UTF-8: {4 * len(broken)} texts, dropped; 2000 texts of random bytes")


def main():
    theirs = tokenizers.Tokenizer.from_file(str(weights.model_dir() / "tokenizer.json"))
    theirs.no_padding()
    with tempfile.TemporaryDirectory() as folder:
        ours = WordPiece(folder)
        for capacity in (None, 256, 16, 2, 3):
            compare(f"awkward texts, {capacity or 'any number of'} ids", ours, theirs, TEXTS, capacity)
        compare("random texts", ours, theirs, random_texts(4000, seed=1), None)
        compare("random texts, 24 ids", ours, theirs, random_texts(400, seed=2), 24)
        compare("every character", ours, theirs, every_character(), None)
        check_broken(ours)


if __name__ == "__main__":
    main()
