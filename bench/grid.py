"""The rows of grid.toml: what is measured, as data."""

import dataclasses
import pathlib
import tomllib

import ml_dtypes
import numpy as np

SOURCE = pathlib.Path(__file__).resolve().parents[1]
GRID = pathlib.Path(__file__).with_name("grid.toml")
DTYPES = {"f32": np.dtype(np.float32), "bf16": np.dtype(ml_dtypes.bfloat16)}
# What keys and values may be instead.
CACHES = {"i8": np.dtype(np.int8), "f8e4m3": np.dtype(ml_dtypes.float8_e4m3fn)}
FUNCTIONS = ("abs", "arange", "exp", "full", "maximum", "minimum", "sin", "tanh", "where")
KEYS = {"variant", "over"}
# The sizes of a row, and those that may be left out, for each kind of variant.
SIZES = {"attention": (set("BHGIJD"), {"G": 1}), "linear": (set("M"), {}), "minilm": (set("BS"), {}), "vit": (set("B"), {})}


class GridError(Exception):
    """The grid, or a name that was asked for, is wrong."""


@dataclasses.dataclass(frozen=True)
class Variant:
    """What is computed: a file of examples/attention (or a path), and for attention the same in expressions."""

    file: str
    kind: str = "attention"
    entry: str = ""
    mask: str = ""
    score: str = "s"
    value: str = ""
    cache: str = ""
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
    """A line of the grid. sizes: as SIZES says for the kind of the variant."""

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
        where = f"{path}: row '{name}'"
        if fields.get("variant") not in variants:
            raise GridError(f"{where}: expected a variant of {', '.join(variants)}, "
                            f"but found '{fields.get('variant')}'")
        variant = variants[fields["variant"]]
        if variant.kind not in SIZES:
            raise GridError(f"{where}: expected a kind of {', '.join(SIZES)}, but found '{variant.kind}'")
        if variant.cache and variant.cache not in CACHES:
            raise GridError(f"{where}: expected a cache of {', '.join(CACHES)}, but found '{variant.cache}'")
        wanted, default = SIZES[variant.kind]
        sizes = default | {key: value for key, value in fields.items() if key not in KEYS}
        if "S" in sizes and "I" in wanted:
            sizes["I"] = sizes["J"] = sizes.pop("S")
        if wanted != set(sizes):
            raise GridError(f"{where}: expected the sizes {', '.join(sorted(wanted))}, "
                            f"but found {', '.join(sorted(sizes))}")
        rows[name] = Row(name, variant, sizes, fields.get("over", ""))
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
