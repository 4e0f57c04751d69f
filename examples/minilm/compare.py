"""Compares the compiled model with ONNX Runtime and with NumPy in f64 on the same weights.

usage: compare.py LIBRARY SENTENCES.txt EMBEDDINGS.npy

EMBEDDINGS.npy is what the C program saved for the lines of SENTENCES.txt; here they are tokenized by the published
tokenizer. Exits with 1 when a component of an embedding differs by more than the tolerance.
"""

import pathlib
import sys

import numpy as np
import tokenizers

import compiled
import onnx_peer
import reference
import weights

TOLERANCE = 2e-5


def tokenize(texts, max_tokens=256):
    """ids [b, n], padded with 0 to the longest text, and length [b]."""
    tokenizer = tokenizers.Tokenizer.from_file(str(weights.model_dir() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    rows = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    length = np.array([len(row) for row in rows], np.int32)
    ids = np.zeros((len(rows), length.max()), np.int32)
    for row, target in zip(rows, ids):
        target[:len(row)] = row
    return ids, length


def main():
    library, sentences, embeddings = sys.argv[1:]
    tensors = weights.load()
    peer, model = onnx_peer.Peer(tensors), compiled.Compiled(library)
    ids, length = tokenize(pathlib.Path(sentences).read_text(encoding="utf-8").splitlines())
    cases = [("the sentences, from the C program", ids, length, np.load(embeddings))]
    for batch, n, seed in ((8, 128, 1), (3, 61, 2), (1, 512, 3), (6, 3, 8)):
        ids, length = reference.sample_batch(batch, n, seed)
        cases.append((f"random tokens, {batch} x {n}, lengths {min(length)} to {max(length)}", ids, length,
                      model.embed(ids, length)))
    print("largest difference of a component from      ONNX Runtime   NumPy f64")
    good = True
    for name, ids, length, found in cases:
        expected = peer.embed(ids, length), reference.embed(tensors, ids, length)
        if found.shape != expected[0].shape:
            sys.exit(f"{name}: expected shape {expected[0].shape}, but got {found.shape}")
        difference = [np.abs(found - e).max() for e in expected]
        # A NaN is not at most the tolerance.
        good = good and all(d <= TOLERANCE for d in difference)
        print(f"{name:<46}{difference[0]:10.1e}{difference[1]:12.1e}")
    print(f"tolerance {TOLERANCE:.0e}: {'kept' if good else 'exceeded'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
