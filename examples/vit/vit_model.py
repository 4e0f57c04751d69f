"""ViT-B/16 written from its formulas in NumPy, and weights drawn for it.

Dosovitskiy et al. 2021. It shares no code with the compiler.
"""

import math

import numpy as np

HEADS, LAYERS, WIDTH, HIDDEN, PATCHES, PIXELS = 12, 12, 768, 3072, 196, 768
EPSILON = 1e-12

erf = np.frompyfunc(math.erf, 1, 1)


def draw(seed=1):
    """Weights of the sizes and about the scales of a trained model: f32 arrays by their published names."""
    rng = np.random.default_rng(seed)

    def normal(*shape, scale=0.02):
        return scale * rng.standard_normal(shape, dtype=np.float32)

    def linear(name, width, depth):
        return {name + ".weight": normal(width, depth, scale=depth**-0.5), name + ".bias": normal(width)}

    def norm(name):
        return {name + ".weight": 1 + normal(WIDTH, scale=0.1), name + ".bias": normal(WIDTH)}

    tensors = {"embeddings.cls_token": normal(1, 1, WIDTH),
               "embeddings.position_embeddings": normal(1, PATCHES + 1, WIDTH, scale=0.1)}
    tensors |= linear("embeddings.patch_embeddings.projection", WIDTH, PIXELS) | norm("layernorm")
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        for part in ("attention.attention.query", "attention.attention.key", "attention.attention.value",
                     "attention.output.dense"):
            tensors |= linear(at + part, WIDTH, WIDTH)
        tensors |= linear(at + "intermediate.dense", HIDDEN, WIDTH) | linear(at + "output.dense", WIDTH, HIDDEN)
        tensors |= norm(at + "layernorm_before") | norm(at + "layernorm_after")
    return tensors


def images(batch, seed=2):
    """Patches of random images: f32[batch, 196, 768]."""
    return np.random.default_rng(seed).standard_normal((batch, PATCHES, PIXELS), dtype=np.float32)


def gelu(x):
    """Exact GELU (Hendrycks and Gimpel 2016): x times the normal distribution function."""
    return x * (1 + erf(x / math.sqrt(2)).astype(x.dtype)) / 2


def attention(q, k, v):
    """q, k, v: [b, n, h * d]."""
    b, n, c = q.shape
    q, k, v = (t.reshape(b, n, HEADS, c // HEADS).transpose(0, 2, 1, 3) for t in (q, k, v))
    s = q @ k.swapaxes(-1, -2) / q.dtype.type(math.sqrt(c // HEADS))
    p = np.exp(s - s.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return (p @ v).transpose(0, 2, 1, 3).reshape(b, n, c)


def encode(tensors, patches, dtype=np.float64, rounded=lambda x: x):
    """patches: [b, 196, 768]; returns all tokens, [b, 197, 768] of `dtype`, in which all the arithmetic is done.
    `rounded` is applied to what layers pass on."""
    def param(name):
        return tensors[name].astype(dtype)

    def linear(x, name):
        return x @ param(name + ".weight").T + param(name + ".bias")

    def norm(x, name):
        centered = x - x.mean(axis=-1, keepdims=True)
        variance = (centered * centered).mean(axis=-1, keepdims=True)
        return centered / np.sqrt(variance + dtype(EPSILON)) * param(name + ".weight") + param(name + ".bias")

    x = linear(patches.astype(dtype), "embeddings.patch_embeddings.projection")
    token = np.broadcast_to(param("embeddings.cls_token"), (len(x), 1, WIDTH))
    x = rounded(np.concatenate([token, x], axis=1) + param("embeddings.position_embeddings"))
    for layer in range(LAYERS):
        at = f"encoder.layer.{layer}."
        u = rounded(norm(x, at + "layernorm_before"))
        q, k, v = (rounded(linear(u, at + "attention.attention." + part)) for part in ("query", "key", "value"))
        x = rounded(x + linear(rounded(attention(q, k, v)), at + "attention.output.dense"))
        u = rounded(norm(x, at + "layernorm_after"))
        x = rounded(x + linear(rounded(gelu(linear(u, at + "intermediate.dense"))), at + "output.dense"))
    return rounded(norm(x, "layernorm"))
