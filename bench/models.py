"""Rows of a linear layer and of a whole model as cases."""

import functools
import json
import pathlib
import struct
import sys
import tempfile

import numpy as np

import aligned
from grid import DTYPES, SOURCE

sys.path.append(str(SOURCE / "examples" / "minilm"))
sys.path.append(str(SOURCE / "examples" / "vit"))


def save_weights(path, tensors):
    """tensors: arrays by name, of f32 or bf16. Writes a safetensors file."""
    header, offset = {}, 0
    for name, value in tensors.items():
        header[name] = {"dtype": "BF16" if value.dtype == DTYPES["bf16"] else "F32", "shape": value.shape, "data_offsets": [offset, offset + value.nbytes]}
        offset += value.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(value.tobytes() for value in tensors.values()))


def rounding(dtype):
    """What rounds arrays of any reals to a dtype, and returns them in their own."""
    return lambda value: value.astype(DTYPES[dtype]).astype(value.dtype)


class Linear:
    """linear.attn on M rows: y = x w' + shift."""

    dtypes, result = tuple(DTYPES), "y"
    K, N = 384, 1536

    def __init__(self, row, dtype, seed=0):
        self.row, self.dtype, self.M = row, dtype, row.sizes["M"]
        rng = np.random.default_rng(seed)
        self.x, self.w, self.shift = (aligned.copy(rng.standard_normal(shape, dtype=np.float32).astype(DTYPES[dtype]))
                                      for shape in ((self.M, self.K), (self.N, self.K), (self.N,)))
        self.folder = tempfile.TemporaryDirectory()
        self.weights = pathlib.Path(self.folder.name) / "linear.safetensors"
        save_weights(self.weights, {"w": self.w, "shift": self.shift})

    @staticmethod
    def settings(row, dtype):
        return [f"layer.T={dtype}"]

    @staticmethod
    def indices(row):
        return {"m": row.sizes["M"]}

    def operands(self):
        return {"x": self.x, "y": aligned.empty((self.M, self.N), DTYPES[self.dtype])}

    def flops(self):
        return 2 * self.M * self.K * self.N

    def bytes(self):
        return self.x.nbytes + self.w.nbytes + self.shift.nbytes + self.x.itemsize * self.M * self.N

    def parts(self, out):
        def formula(real):
            x, w, shift = (each.astype(real) for each in (self.x, self.w, self.shift))
            return x @ w.T + shift
        yield "the output", out, formula(np.float64), rounding(self.dtype)(formula(np.float32))


class MiniLM:
    """all-MiniLM-L6-v2 on B sentences of unequal lengths, padded to S tokens."""

    dtypes, result = tuple(DTYPES), "y"

    def __init__(self, row, dtype, seed=1):
        import reference
        import weights
        self.row, self.dtype, self.B, self.S = row, dtype, row.sizes["B"], row.sizes["S"]
        # The file is of f32, which is rounded as it is loaded.
        self.weights = weights.model_dir() / "model.safetensors"
        self.tensors = {name: aligned.copy(value.astype(DTYPES[dtype]) if value.dtype == np.float32 else value)
                        for name, value in weights.load().items()}
        self.ids, self.length = reference.sample_batch(self.B, self.S, seed)
        self.reference = reference

    @staticmethod
    def settings(row, dtype):
        return [f"minilm.T={dtype}"]

    @staticmethod
    def indices(row):
        return {"b": row.sizes["B"], "n": row.sizes["S"]}

    def operands(self):
        width = self.tensors["embeddings.LayerNorm.weight"].shape[0]
        return {"ids": self.ids, "len": self.length, "y": aligned.empty((self.B, width), DTYPES[self.dtype])}

    def layers(self):
        return [value for name, value in self.tensors.items() if ".layer." in name and value.ndim == 2]

    def flops(self):
        """Of every linear layer on every position, and of attention on the keys that are tokens."""
        width = self.tensors["embeddings.LayerNorm.weight"].shape[0]
        linear = sum(2 * value.size for value in self.layers()) * self.B * self.S
        pairs = self.reference.LAYERS * self.S * int(self.length.sum())
        return linear + pairs * 4 * width

    def bytes(self):
        return sum(value.nbytes for value in self.layers()) + self.ids.nbytes

    def parts(self, out):
        yield "the embeddings", out, *self.expected

    @functools.cached_property
    def expected(self):
        return [self.reference.embed(self.tensors, self.ids, self.length, np.float64),
                self.reference.embed(self.tensors, self.ids, self.length, np.float32, rounding(self.dtype))]


class ViT:
    """ViT-B/16 on B images, with weights that are drawn."""

    dtypes, result = tuple(DTYPES), "y"

    def __init__(self, row, dtype):
        import vit_model
        self.row, self.dtype, self.B = row, dtype, row.sizes["B"]
        self.reference = vit_model
        self.tensors = {name: aligned.copy(value.astype(DTYPES[dtype])) for name, value in self.reference.draw().items()}
        self.patches = aligned.copy(self.reference.images(self.B).astype(DTYPES[dtype]))
        self.folder = tempfile.TemporaryDirectory()
        self.weights = pathlib.Path(self.folder.name) / "vit.safetensors"
        save_weights(self.weights, self.tensors)

    @staticmethod
    def settings(row, dtype):
        return [f"vit.T={dtype}"]

    @staticmethod
    def indices(row):
        return {"b": row.sizes["B"]}

    def operands(self):
        sizes = self.reference
        return {"patches": self.patches,
                "y": aligned.empty((self.B, sizes.PATCHES + 1, sizes.WIDTH), DTYPES[self.dtype])}

    def layers(self):
        return [value for name, value in self.tensors.items() if ".layer." in name and value.ndim == 2]

    def flops(self):
        """Of the patches, of every linear layer on every token, and of attention."""
        sizes = self.reference
        tokens = sizes.PATCHES + 1
        patches = 2 * sizes.PATCHES * sizes.PIXELS * sizes.WIDTH
        linear = sum(2 * value.size for value in self.layers()) * tokens
        return self.B * (patches + linear + sizes.LAYERS * 4 * tokens**2 * sizes.WIDTH)

    def bytes(self):
        return sum(value.nbytes for value in self.layers()) + 2 * self.patches.nbytes

    def parts(self, out):
        yield "the tokens of the first image", out[:1], *self.expected

    @functools.cached_property
    def expected(self):
        # All layers of all images take long in f64: one image stands for the others.
        one = self.patches[:1]
        return [self.reference.encode(self.tensors, one, np.float64),
                self.reference.encode(self.tensors, one, np.float32, rounding(self.dtype))]
