"""The compiled model, called from Python through the C functions of embedder.h."""

import ctypes
import pathlib

import numpy as np

import weights

WIDTH = 384


class Compiled:
    """A session of the compiled model with its weights."""

    def __init__(self, library, threads=2):
        """library: the module `embedder` that CMakeLists.txt builds."""
        self.library = ctypes.CDLL(str(pathlib.Path(library).resolve()))
        self.library.embedder_open.restype = ctypes.c_void_p
        self.library.embedder_message.restype = ctypes.c_char_p
        error = ctypes.create_string_buffer(4 + 512)
        self.handle = ctypes.c_void_p(self.library.embedder_open(
            str(weights.model_dir() / "model.safetensors").encode(), threads, error))
        if not self.handle:
            raise RuntimeError(error.raw[4:].split(b"\0")[0].decode())

    def run(self, ids, length, out):
        """ids: i32 [b, n]; length: i32 [b]; out: f32 [b, 384]; all contiguous."""
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in (ids, length, out)]
        status = self.library.embedder_run(self.handle, pointers[0], pointers[1], ctypes.c_int64(ids.shape[0]),
                                           ctypes.c_int64(ids.shape[1]), pointers[2])
        if status:
            raise RuntimeError(self.library.embedder_message(self.handle).decode())

    def embed(self, ids, length):
        """ids: integers [b, n]; length: integers [b]; returns f32 [b, 384], normalized."""
        ids, length = np.ascontiguousarray(ids, np.int32), np.ascontiguousarray(length, np.int32)
        out = np.empty((ids.shape[0], WIDTH), np.float32)
        self.run(ids, length, out)
        return out
