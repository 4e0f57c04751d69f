"""Memory for operands and results, of ours and of peers alike."""

import numpy as np

# Bytes: a cache line and the widest vector. Tensor libraries allocate so; NumPy only promises 16, and then every vector
# of a row may lie in two lines, and lines at the edges of rows belong to two threads.
ALIGNMENT = 64


def empty(shape, dtype):
    """An array in C order with any content, on a boundary of ALIGNMENT."""
    dtype = np.dtype(dtype)
    size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    memory = np.empty(size + ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT
    return memory[start:start + size].view(dtype).reshape(shape)


def copy(array):
    """A copy in C order, on a boundary of ALIGNMENT."""
    result = empty(array.shape, array.dtype)
    result[...] = array
    return result
