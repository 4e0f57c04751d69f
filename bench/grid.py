"""The rows of grid.toml as cases: operands, what is expected, and the work that counts."""

import dataclasses
import pathlib
import tomllib

import ml_dtypes
import numpy as np

SOURCE = pathlib.Path(__file__).resolve().parents[1]
GRID = pathlib.Path(__file__).with_name("grid.toml")
DTYPES = {"f32": np.dtype(np.float32), "bf16": np.dtype(ml_dtypes.bfloat16)}
FUNCTIONS = ("abs", "arange", "exp", "full", "maximum", "minimum", "sin", "tanh", "where")
# Scores of an expected output at a time, and in all: of larger cases some heads are compared.
BLOCK, COMPARED = 1 << 24, 1 << 27
SIZES, KEYS = set("BHGSIJD"), {"variant", "over"}


class GridError(Exception):
    """The grid, or a name that was asked for, is wrong."""


@dataclasses.dataclass(frozen=True)
class Variant:
    """What is computed: a file of examples/attention (or a path), and the same in expressions."""

    file: str
    entry: str = ""
    mask: str = ""
    score: str = "s"
    rotate: bool = False
    inputs: dict = dataclasses.field(default_factory=dict)

    @property
    def path(self):
        return SOURCE / (self.file if "/" in self.file else f"examples/attention/{self.file}.attn")

    @property
    def function(self):
        return self.entry or self.path.stem


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the grid. sizes: B, H, G, I, J, D."""

    name: str
    variant: Variant
    sizes: dict
    over: str = ""


def load(path=GRID):
    """The rows by name; raises GridError for a file that does not say what to measure."""
    with open(path, "rb") as file:
        try:
            grid = tomllib.load(file)
            variants = {name: Variant(**fields) for name, fields in grid["variants"].items()}
        except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
            raise GridError(f"{path}: {error}") from None
    rows = {}
    for name, fields in grid.get("rows", {}).items():
        unknown = set(fields) - SIZES - KEYS
        if unknown:
            raise GridError(f"{path}: row '{name}': expected {', '.join(sorted(SIZES | KEYS))}, "
                            f"but found '{sorted(unknown)[0]}'")
        if fields.get("variant") not in variants:
            raise GridError(f"{path}: row '{name}': expected a variant of {', '.join(variants)}, "
                            f"but found '{fields.get('variant')}'")
        sizes = {"G": 1} | {key: fields[key] for key in SIZES & set(fields)}
        if "S" in sizes:
            sizes["I"] = sizes["J"] = sizes.pop("S")
        missing = set("BHGIJD") - set(sizes)
        if missing:
            raise GridError(f"{path}: row '{name}': expected a size {', '.join(sorted(missing))}")
        rows[name] = Row(name, variants[fields["variant"]], sizes, fields.get("over", ""))
    for row in rows.values():
        if row.over and row.over not in rows:
            raise GridError(f"{path}: row '{row.name}': expected the name of a row, but found '{row.over}'")
    return rows


def expression(text, module, names):
    """The value of an expression of the grid, by NumPy or a module like it."""
    names = {name: getattr(module, name) for name in FUNCTIONS if hasattr(module, name)} | names
    try:
        return eval(text, {"__builtins__": {}}, names)
    except Exception as error:
        raise GridError(f"'{text}': {error}") from None


def rotate(x, module=np):
    """Rotary positions, rotate-half form, base 10000: x[..., n, d] by its position n."""
    n, half = x.shape[-2], x.shape[-1] // 2
    angle = (np.arange(n)[:, None] * 10000.0 ** (-np.arange(half) / half))
    turn = [np.concatenate([f(angle)] * 2, -1) for f in (np.cos, np.sin)]
    if module is np:
        cos, sin = (each.astype(x.dtype) for each in turn)
    else:
        cos, sin = (module.tensor(each).to(x.dtype) for each in turn)
    swapped = module.concatenate([-x[..., half:], x[..., :half]], -1)
    return x * cos + swapped * sin


class Case:
    """A row with a dtype: operands (views [B, heads, S, D] of memory [B, S, heads, D]) and work."""

    def __init__(self, row, dtype, seed=0):
        self.row, self.dtype = row, dtype
        self.B, self.H, self.G, self.I, self.J, self.D = (row.sizes[key] for key in "BHGIJD")
        rng = np.random.default_rng(seed)

        def draw(heads, n):
            memory = rng.standard_normal((self.B, n, heads, self.D), dtype=np.float32).astype(DTYPES[dtype])
            return memory.transpose(0, 2, 1, 3)

        self.q, self.k, self.v = draw(self.heads, self.I), draw(self.H, self.J), draw(self.H, self.J)
        self.inputs = {}
        for name, text in row.variant.inputs.items():
            value = np.asarray(expression(text, np, row.sizes))
            self.inputs[name] = value.astype(np.int32 if value.dtype.kind == "i" else np.float32)

    @property
    def heads(self):
        return self.H * self.G

    def output(self):
        """Room for the result, laid out as the queries are."""
        return np.empty((self.B, self.I, self.heads, self.D), DTYPES[self.dtype]).transpose(0, 2, 1, 3)

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
            out[i] = p @ v / p.sum(-1, keepdims=True)
        return out
