"""all-MiniLM-L6-v2 written from its formulas in NumPy.

Devlin et al. 2018 (BERT), Wang et al. 2020 (MiniLM), Reimers and Gurevych 2019 (mean pooling).
It shares no code with the compiler, and reads the weights file itself.
"""

import math

import numpy as np

import weights

HEADS = 12
LAYERS = 6
EPSILON = 1e-12

erf = np.frompyfunc(math.erf, 1, 1)


def layer_norm(x, gamma, beta):
    centered = x - x.mean(axis=-1, keepdims=True)
    variance = (centered * centered).mean(axis=-1, keepdims=True)
    return centered / np.sqrt(variance + x.dtype.type(EPSILON)) * gamma + beta


def gelu(x):
    """Exact GELU (Hendrycks and Gimpel 2016): x times the normal distribution function."""
    return x * (1 + erf(x / math.sqrt(2)).astype(x.dtype)) / 2


def attention(q, k, v, keep):
    """q, k, v: [b, n, h * d]; keep: [b, n], true where a key may be attended to."""
    b, n, c = q.shape
    q, k, v = (t.reshape(b, n, HEADS, c // HEADS) for t in (q, k, v))
    s = np.einsum("bihd,bjhd->bhij", q, k) / math.sqrt(c // HEADS)
    s = np.where(keep[:, None, None, :], s, -np.inf)
    p = np.exp(s - s.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return np.einsum("bhij,bjhd->bihd", p, v).reshape(b, n, c)


def embed(tensors, ids, length, dtype=np.float64, rounded=lambda x: x):
    """Normalized sentence embeddings.

    ids: integers [b, n]; length: integers [b], each at least 1; returns [b, 384] of `dtype`,
    in which all the arithmetic is done. `rounded` is applied to what layers pass on.
    """
    def param(name):
        return tensors[name].astype(dtype)

    def linear(x, name):
        return x @ param(name + ".weight").T + param(name + ".bias")

    def norm(x, name):
        return layer_norm(x, param(name + ".weight"), param(name + ".bias"))

    n = ids.shape[1]
    keep = np.arange(n) < length[:, None]
    x = tensors["embeddings.word_embeddings.weight"][ids].astype(dtype)
    x = x + param("embeddings.position_embeddings.weight")[:n]
    x = x + param("embeddings.token_type_embeddings.weight")[0]
    x = rounded(norm(x, "embeddings.LayerNorm"))
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        q, k, v = (rounded(linear(x, at + "attention.self." + part)) for part in ("query", "key", "value"))
        a = linear(rounded(attention(q, k, v, keep)), at + "attention.output.dense")
        x = rounded(norm(x + a, at + "attention.output.LayerNorm"))
        f = linear(rounded(gelu(linear(x, at + "intermediate.dense"))), at + "output.dense")
        x = rounded(norm(x + f, at + "output.LayerNorm"))
    y = (x * keep[:, :, None]).sum(axis=1) / length[:, None].astype(dtype)
    return rounded(y / np.sqrt((y * y).sum(axis=-1, keepdims=True)))


def sample_batch(batch=8, n=128, seed=1):
    """Token ids and unequal lengths for comparisons: ids [batch, n], length [batch]."""
    rng = np.random.default_rng(seed)
    length = rng.integers(max(1, n // 4), n + 1, batch)
    length[0] = n
    ids = rng.integers(1000, 30000, (batch, n))
    ids[:, 0] = 101
    for row, l in enumerate(length):
        ids[row, l - 1] = 102
        ids[row, l:] = 0
    return ids.astype(np.int32), length.astype(np.int32)


if __name__ == "__main__":
    tensors = weights.load()
    ids, length = sample_batch(3, 20)
    double, single = (embed(tensors, ids, length, t) for t in (np.float64, np.float32))
    print("largest difference of f32 from f64:", np.abs(double - single).max())
