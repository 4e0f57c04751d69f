"""Rows of a linear layer and of a whole model as cases."""

import functools
import json
import pathlib
import struct
import sys
import tempfile

import numpy as np

from grid import SOURCE

sys.path.append(str(SOURCE / "examples" / "minilm"))
sys.path.append(str(SOURCE / "examples" / "vit"))


def save_weights(path, tensors):
    """tensors: f32 arrays by name. Writes a safetensors file."""
    header, offset = {}, 0
    for name, value in tensors.items():
        header[name] = {"dtype": "F32", "shape": value.shape, "data_offsets": [offset, offset + value.nbytes]}
        offset += value.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(value.tobytes() for value in tensors.values()))


class Linear:
    """linear.attn on M rows: y = x w' + shift."""

    dtypes, result = ("f32",), "y"
    K, N = 384, 1536

    def __init__(self, row, dtype, seed=0):
        self.row, self.dtype, self.M = row, dtype, row.sizes["M"]
        rng = np.random.default_rng(seed)
        self.x, self.w, self.shift = (rng.standard_normal(shape, dtype=np.float32)
                                      for shape in ((self.M, self.K), (self.N, self.K), (self.N,)))
        self.folder = tempfile.TemporaryDirectory()
        self.weights = pathlib.Path(self.folder.name) / "linear.safetensors"
        save_weights(self.weights, {"w": self.w, "shift": self.shift})

    @staticmethod
    def settings(row, dtype):
        return []

    @staticmethod
    def indices(row):
        return {"m": row.sizes["M"]}

    def operands(self):
        return {"x": self.x}

    def flops(self):
        return 2 * self.M * self.K * self.N

    def bytes(self):
        return self.x.nbytes + self.w.nbytes + self.shift.nbytes + 4 * self.M * self.N

    def parts(self, out):
        x, w, shift = (each.astype(np.float64) for each in (self.x, self.w, self.shift))
        yield "the output", out, x @ w.T + shift, self.x @ self.w.T + self.shift


class MiniLM:
    """all-MiniLM-L6-v2 on B sentences of unequal lengths, padded to S tokens."""

    dtypes, result = ("f32",), "y"

    def __init__(self, row, dtype, seed=1):
        import reference
        import weights
        self.row, self.dtype, self.B, self.S = row, dtype, row.sizes["B"], row.sizes["S"]
        self.weights = weights.model_dir() / "model.safetensors"
        self.tensors = weights.load()
        self.ids, self.length = reference.sample_batch(self.B, self.S, seed)
        self.reference = reference

    @staticmethod
    def settings(row, dtype):
        return []

    @staticmethod
    def indices(row):
        return {"b": row.sizes["B"], "n": row.sizes["S"]}

    def operands(self):
        return {"ids": self.ids, "len": self.length}

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
        return [self.reference.embed(self.tensors, self.ids, self.length, dtype) for dtype in (np.float64, np.float32)]


class ViT:
    """ViT-B/16 on B images, with weights that are drawn."""

    dtypes, result = ("f32",), "y"

    def __init__(self, row, dtype):
        import vit_model
        self.row, self.dtype, self.B = row, dtype, row.sizes["B"]
        self.reference = vit_model
        self.tensors = self.reference.draw()
        self.patches = self.reference.images(self.B)
        self.folder = tempfile.TemporaryDirectory()
        self.weights = pathlib.Path(self.folder.name) / "vit.safetensors"
        save_weights(self.weights, self.tensors)

    @staticmethod
    def settings(row, dtype):
        return []

    @staticmethod
    def indices(row):
        return {"b": row.sizes["B"]}

    def operands(self):
        return {"patches": self.patches}

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
        return [self.reference.encode(self.tensors, one, dtype) for dtype in (np.float64, np.float32)]
