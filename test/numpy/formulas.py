"""Formulas that several tests share, in the precision of their operands."""

import math

import numpy as np


def softmax(s, keep=True, axis=-1):
    """exp(s) / sum of exp(s) over what is kept; 0 in a row without keys, NaN in
    a row with a NaN or +inf score that is kept. A score of -inf is not kept."""
    keep = np.broadcast_to(keep, s.shape) & (s != -np.inf)
    kept = np.where(keep, s, -np.inf)
    top = kept.max(axis=axis, keepdims=True, initial=-np.inf)
    empty = top == -np.inf
    p = np.where(keep, np.exp(kept - np.where(empty, 0, top).astype(s.dtype)), 0).astype(s.dtype)
    mass = p.sum(axis=axis, keepdims=True)
    return np.where(empty, 0, p / np.where(empty, 1, mass)).astype(s.dtype) + 0 * mass


def logsumexp(s, keep=True, axis=-1):
    """log of the sum of exp(s) over what is kept; -inf in a row without keys."""
    keep = np.broadcast_to(keep, s.shape) & (s != -np.inf)
    kept = np.where(keep, s, -np.inf)
    top = kept.max(axis=axis, keepdims=True, initial=-np.inf)
    empty = top == -np.inf
    p = np.where(keep, np.exp(kept - np.where(empty, 0, top).astype(s.dtype)), 0).astype(s.dtype)
    result = np.where(empty, -np.inf, top + np.log(p.sum(axis=axis, keepdims=True)))
    return np.squeeze(result, axis).astype(s.dtype)


def first_largest(s, keep=True):
    """The first index of the greatest that is kept and no NaN, in the last axis;
    -1 where there is none, or none above -inf."""
    kept = np.where(np.broadcast_to(keep, s.shape) & ~np.isnan(s), s, -np.inf)
    if not s.shape[-1]:
        return np.full(s.shape[:-1], -1)
    return np.where(kept.max(-1) == -np.inf, -1, kept.argmax(-1))


def dots(q, k):
    """q . k / sqrt(d) of [..., i, d] and [..., j, d]."""
    return q @ k.swapaxes(-1, -2) / q.dtype.type(math.sqrt(q.shape[-1]))


def rows(s):
    """The query and the key of each score: i [i, 1] and j [1, j]."""
    return np.arange(s.shape[-2])[:, None], np.arange(s.shape[-1])[None, :]


erf_of = np.vectorize(math.erf, otypes=[np.float64])


def erf(x):
    return erf_of(x.astype(np.float64)).astype(x.dtype)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rotate_half(x, position, base):
    """Rotary positions of Su et al. 2021 for pairs (d, d + D/2), x [..., n, D]."""
    half = x.shape[-1] // 2
    angle = position[:, None] * base ** (-np.arange(half) / half)
    cos, sin = np.cos(angle).astype(x.dtype), np.sin(angle).astype(x.dtype)
    low, high = x[..., :half], x[..., half:]
    return np.concatenate([low * cos - high * sin, high * cos + low * sin], -1)
