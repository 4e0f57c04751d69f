"""Writes weights as the runtime reads them."""

import json

import numpy as np

# By kind and size: bf16, for which NumPy has no name, is two bytes of anything (narrowing.py).
TYPES = {np.dtype(np.float32): "F32", np.dtype("V2"): "BF16"}


def save_weights(path, tensors):
    """tensors: arrays of f32 or bf16 by name. Writes a safetensors file."""
    header, data = {}, b""
    for name, value in tensors.items():
        header[name] = {"dtype": TYPES[value.dtype], "shape": value.shape, "data_offsets": [len(data), len(data) + value.nbytes]}
        data += value.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
