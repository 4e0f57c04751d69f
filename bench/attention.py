"""Rows of attention as cases: operands, what is expected, the work that counts, and what peers ask."""

import functools

import numpy as np

import aligned
from grid import CACHES, DTYPES, GridError, expression

# Scores of an expected output at a time, and in all: of larger cases some heads are compared.
BLOCK, COMPARED = 1 << 24, 1 << 27


def turn(n, width, real=np.float64):
    """cos and sin of the angles of rotary positions: real[n, width / 2], base 10000."""
    half = width // 2
    angle = np.arange(n, dtype=real)[:, None] * real(10000) ** (-np.arange(half, dtype=real) / real(half))
    return np.cos(angle), np.sin(angle)


def rotate(x):
    """Rotary positions, rotate-half form: x[n, d] by its position n, computed in the precision of x."""
    half = x.shape[-1] // 2
    cos, sin = turn(*x.shape, x.dtype.type)
    low, high = x[:, :half], x[:, half:]
    return np.concatenate([low * cos - high * sin, high * cos + low * sin], -1)


class Attention:
    """A row with a dtype: operands (views [B, heads, S, D] of memory [B, S, heads, D]) and work."""

    dtypes, result, weights = tuple(DTYPES), "o", None

    def __init__(self, row, dtype, seed=0):
        self.row, self.dtype = row, dtype
        self.B, self.H, self.G, self.I, self.J, self.D = (row.sizes[key] for key in "BHGIJD")
        rng = np.random.default_rng(seed)

        def draw(heads, n, kind):
            memory = rng.standard_normal((self.B, n, heads, self.D), dtype=np.float32)
            if kind.kind == "i":
                memory = np.clip(np.rint(32 * memory), np.iinfo(kind).min, np.iinfo(kind).max)
            return aligned.copy(memory.astype(kind)).transpose(0, 2, 1, 3)

        cache = CACHES.get(row.variant.cache, DTYPES[dtype])
        self.q = draw(self.heads, self.I, DTYPES[dtype])
        self.k, self.v = draw(self.H, self.J, cache), draw(self.H, self.J, cache)
        self.expected = functools.cache(self.expected)
        self.inputs = {}
        for name, text in row.variant.inputs.items():
            value = np.asarray(expression(text, np, row.sizes))
            self.inputs[name] = aligned.copy(value.astype(np.int32 if value.dtype.kind == "i" else np.float32))

    @property
    def heads(self):
        return self.H * self.G

    @staticmethod
    def settings(row, dtype):
        """What is fixed when the file is compiled: the width of a head, and the type."""
        name, width = row.variant.function, row.sizes["D"]
        return [f"{name}.d={width}", f"{name}.e={width}", f"{name}.T={dtype}"]

    @staticmethod
    def indices(row):
        """Sizes of the indices of the file, but for those in settings()."""
        return {key.lower(): size for key, size in row.sizes.items() if key in "BHIJ" or (key == "G" and size > 1)}

    def operands(self):
        """Arrays by name, with room for the result, laid out as the queries are."""
        o = aligned.empty((self.B, self.I, self.heads, self.D), DTYPES[self.dtype]).transpose(0, 2, 1, 3)
        return {"q": self.q, "k": self.k, "v": self.v, "o": o} | self.inputs

    def names(self, b, h, i, j, real=np.float64):
        """What expressions may speak of, besides s."""
        inputs = {name: value.astype(real) if value.dtype.kind == "f" else value.astype(np.int64)
                  for name, value in self.inputs.items()}
        return self.row.sizes | inputs | {"b": b, "h": h, "i": i, "j": j}

    def mask(self, b, h, i):
        """Which keys the queries `i` of (b, h) see: bool[len(i), J]."""
        text = self.row.variant.mask
        value = expression(text, np, self.names(b, h, i[:, None], np.arange(self.J)[None])) if text else True
        return np.broadcast_to(value, (len(i), self.J))

    def parts(self, out):
        """Yields where, the output there, and what is expected in f64 and in f32."""
        for b, h in self.planes():
            yield f"batch {b}, head {h}", out[b, h], self.expected(b, h), self.expected(b, h, np.float32)

    def visible(self, b):
        """Which keys all queries of a batch element see: bool[I, J]; heads see the same."""
        return self.mask(b, 0, np.arange(self.I))

    def band(self, width=None):
        """The keys up to each query, when the last query is at the last key, or `width` of them: bool[I, J]."""
        distance = np.arange(self.I)[:, None] + self.J - self.I - np.arange(self.J)
        return (distance >= 0) & (distance < width if width else True)

    @functools.cached_property
    def causal(self):
        """Whether this is causal self-attention and nothing else."""
        return (self.I == self.J > 1 and bool(self.row.variant.mask) and self.row.variant.score == "s"
                and self.window() == self.J)

    def window(self):
        """The keys that the last query sees when all see as many as there are before them; None for other masks."""
        masks = [self.visible(b) for b in range(self.B)]
        width = int(masks[0][-1].sum())
        return width if all((mask == self.band(width)).all() for mask in masks) else None

    def bias(self):
        """Mask and score as one table to add to scaled scores, f32[B or 1, heads or 1, I, J]; None when it is 0.
        Raises GridError when the score is no such sum."""
        axes = [np.arange(n).reshape([-1 if axis == at else 1 for axis in range(4)])
                for at, n in enumerate((self.B, self.heads, self.I, self.J))]
        names = self.names(*axes)
        at = [expression(self.row.variant.score, np, names | {"s": np.float64(s)}) for s in (0, 1, -2)]
        if not (np.allclose(at[1] - at[0], 1) and np.allclose(at[2] - at[0], -2)):
            raise GridError("its score is no sum of a product and a table")
        bias = at[0] + np.float64(0)
        if self.row.variant.mask:
            bias = np.where(expression(self.row.variant.mask, np, names), bias, -np.inf)
        if not np.any(bias):
            return None
        shape = [n if has > 1 else 1 for n, has in zip((self.B, self.heads), np.shape(bias))]
        return aligned.copy(np.broadcast_to(bias, (*shape, self.I, self.J)).astype(np.float32))

    def blocks(self):
        """The queries, in blocks of bounded numbers of scores."""
        step = max(1, BLOCK // self.J)
        return [np.arange(start, min(start + step, self.I)) for start in range(0, self.I, step)]

    def pairs(self):
        """How many (query, key) pairs the mask keeps, counted one by one; heads see the same."""
        if not self.row.variant.mask:
            return self.B * self.heads * self.I * self.J
        return self.heads * sum(int(self.mask(b, 0, i).sum()) for b in range(self.B) for i in self.blocks())

    def flops(self):
        """Multiplications and additions of the two products on the pairs that count."""
        return self.pairs() * (2 * self.D + 2 * self.D)

    def bytes(self):
        """What must be read or written once."""
        return sum(each.nbytes for each in (self.q, self.k, self.v, self.q, *self.inputs.values()))

    def planes(self):
        """The (batch, head) pairs whose output is compared, spread over all."""
        count = self.B * self.heads
        compared = max(1, min(count, COMPARED // (self.I * self.J)))
        return [divmod(int(n), self.heads) for n in np.linspace(0, count - 1, compared).round()]

    def expected(self, b, h, real=np.float64):
        """The output of (b, h), plainly by the formula: real[I, D]."""
        q, k, v = (each.astype(real) for each in (self.q[b, h], self.k[b, h // self.G], self.v[b, h // self.G]))
        if self.row.variant.rotate:
            q, k = rotate(q), rotate(k)
        out = np.empty((self.I, self.D), real)
        for i in self.blocks():
            s = q[i] @ k.T / np.sqrt(real(self.D))
            names = self.names(b, h, i[:, None], np.arange(self.J)[None], real)
            s = np.broadcast_to(expression(self.row.variant.score, np, names | {"s": s}), s.shape)
            s = np.where(self.mask(b, h, i), s, -np.inf)
            p = np.exp(s - s.max(-1, keepdims=True))
            p /= p.sum(-1, keepdims=True)
            out[i] = (p * expression(self.row.variant.value, np, names) if self.row.variant.value else p) @ v
        return out
