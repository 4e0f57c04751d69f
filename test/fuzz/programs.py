"""Random attentions that the language promises to compile.

A program is a function of its choices, each a number whose 0 is the simplest
option: so that a program with a finding can be made smaller, choice by choice.
"""

import dataclasses
import random

LENGTHS = (4, 1, 2, 0, 3, 7, 8, 15, 16, 17, 31, 33, 64, 65, 100)
COUNTS = (1, 2, 3, 0)
WIDTHS = (4, 1, 2, 3, 8, 16, 24, 33, 64)

# The options of each choice, the simplest first.
OPTIONS = {
    "type": ("f32", "bf16", "f16", "T"),
    "set T": ("f32", "bf16", "f16"),
    "result": ("same", "f32"),
    "heads": ("none", "b", "b h", "b h, shared keys", "b (h, g)", "b h g", "h g b"),
    "layout": ("heads, positions", "positions, heads"),
    "keys": ("rows", "columns"),
    "queries": (1, 2),
    "key indices": (1, 2),
    "width": ("symbolic", "fixed"),
    "similarity": ("dot", "scaled", "distance", "additive", "bilinear", "two dots", "none"),
    "bias": ("", "f32[i, j]", "f32[j]", "f32[i]", "f32[head, i, j]", "f32[head]"),
    "distance": ("", "slope * (i - j)", "0.1 * abs(i - j)", "table[min(max(i - j + 4, 0), 8)]",
                 "rows[kind]", "0.5 * cos(0.1 * (i - j))"),
    "cap": ("", "constant", "operand"),
    "mask": ("", "j <= i", "j < len", "i - j < window", "j <= i + past", "keep", "doci == docj"),
    "and": ("", "j % 2 == i % 2", "i // 3 == j // 3", "not (i == j + 1)", "j >= 2", "abs(i - j) <= 5"),
    "or": ("", "j < 2", "j < pre", "i == j"),
    "weights": ("softmax", "sigmoid", "linear", "exp over a sum"),
    "value": ("v", "v * gain[j]", "v + where", "tanh(v)", "select"),
    "epilogue": ("", "gate", "residual", "max", "scale"),
    "logsumexp": (False, True),
    "maps": (False, True),
    "further": ("", "second value", "score", "entropy", "divergence"),
    "maximum": (False, True),
    "i": LENGTHS, "j": LENGTHS, "i2": COUNTS, "j2": COUNTS,
    "b": COUNTS, "h": COUNTS, "g": COUNTS, "d": WIDTHS, "e": WIDTHS, "c": WIDTHS,
}


@dataclasses.dataclass(frozen=True)
class Program:
    text: str
    sizes: dict  # of the indices that the text leaves open
    results: tuple  # names
    settings: tuple = ()


class Writer:
    """Writes the attention of one set of choices."""

    def __init__(self, choices):
        self.choice = {name: options[choices.get(name, 0)] for name, options in OPTIONS.items()}
        self.type = self.choice["type"]
        heads = {
            "none": ([], []), "b": (["b"], ["b"]), "b h": (["b", "h"], ["b", "h"]),
            "b h, shared keys": (["b", "h"], ["b"]), "b (h, g)": (["b", "(h, g)"], ["b", "h"]),
            "b h g": (["b", "h", "g"], ["b", "h"]), "h g b": (["h", "g", "b"], ["h", "b"]),
        }
        self.query_heads, self.key_heads = heads[self.choice["heads"]]
        self.queries = ["i"] + (["ix"] if self.choice["queries"] == 2 else [])
        self.keys = ["j"] + (["jx"] if self.choice["key indices"] == 2 else [])
        self.operands, self.types = [], {}
        self.ranges = {}  # the first use of an index says its range

    def dims(self, heads, positions, last):
        parts = heads + positions if self.choice["layout"] == "heads, positions" else heads[:1] + positions + heads[1:]
        return parts + last

    def operand(self, name, type, dims=()):
        """Declares an operand once, and is its name."""
        if name not in self.types:
            self.types[name] = None
            written = []
            for dim in dims:
                fixed = self.choice["width"] == "fixed" and dim in ("d", "e") and dim not in self.ranges
                if fixed:
                    self.ranges[dim] = self.choice[dim]
                written.append(f"{dim} in 0..{self.choice[dim]}" if fixed else dim)
            self.operands.append(f"{name}: {type}[{', '.join(written)}]" if dims else f"{name}: {type}")
        return name

    def similarity(self):
        kind = self.choice["similarity"]
        query = lambda name, last: self.operand(name, self.type, self.dims(self.query_heads, self.queries, [last]))  # noqa: E731
        key_dims = self.dims(self.key_heads, self.keys, ["d"])
        if self.choice["keys"] == "columns":
            key_dims = self.key_heads + ["d"] + self.keys
        query("q", "a" if kind == "bilinear" else "d")
        self.operand("k", self.type, key_dims)
        if kind == "scaled":
            return "sum[d](q * k) / sqrt(size(d))"
        if kind == "distance":
            return "-0.1 * sum[d]((q - k)^2)"
        if kind == "additive":
            return f"sum[d]({self.operand('u', self.type, ['d'])} * tanh(q + k))"
        if kind == "bilinear":
            return f"0.2 * sum[a, d](q * {self.operand('m', 'f32', ['a', 'd'])} * k)"
        if kind == "two dots":
            return f"sum[d](q * k) - 0.5 * sum[d]({query('q2', 'd')} * k)"
        if kind == "none":
            return "0.1 * sum[d](q + k)"
        return "sum[d](q * k)"

    def score(self):
        terms = self.similarity()
        bias, distance = self.choice["bias"], self.choice["distance"]
        head = [d for d in self.query_heads if d != "b"][:1]
        if bias:
            dims = {"i": self.queries, "j": self.keys, "head": head}
            wanted = [d for part in bias[4:-1].split(", ") for d in dims[part]]
            terms += f" + {self.operand('bias', 'f32', wanted)}"
        if "slope" in distance:
            self.operand("slope", "f32", head)
        if "table" in distance:
            self.operand("table", "f32", ["9"])
        if "rows" in distance:
            self.operand("rows", "f32", ["row in 0..8"])
            self.operand("kind", "i32", ["j"])
        if distance:
            terms += (" - " if "abs" in distance or "slope" in distance else " + ") + distance
        cap = self.choice["cap"]
        if cap:
            limit = "4" if cap == "constant" else self.operand("cap", "f32")
            terms = f"{limit} * tanh(({terms}) / {limit})"
        return terms

    def condition(self):
        mask, extra, other = self.choice["mask"], self.choice["and"], self.choice["or"]
        batch = ["b"] if "b" in self.query_heads else []
        if "len" in mask:
            self.operand("len", "i32", batch)
        if "window" in mask:
            self.operand("window", "i32")
        if "past" in mask:
            self.operand("past", "i32", batch)
        if mask == "keep":
            self.operand("keep", "bool", batch + ["i", "j"])
        if "doc" in mask:
            self.operand("doci", "i32", batch + ["i"])
            self.operand("docj", "i32", batch + ["j"])
        text = " and ".join(part for part in (mask, extra) if part)
        if other:
            if "pre" in other:
                self.operand("pre", "i32", batch)
            text = f"{text} or {other}" if text else other
        return f" where {text}" if text else ""

    def value(self):
        kind = self.choice["value"]
        self.operand("v", self.type, self.dims(self.key_heads, self.keys, ["e"]))
        if "gain" in kind:
            return f"v * {self.operand('gain', 'f32', ['j'])}"
        if "where" in kind:
            return f"(v + {self.operand('place', 'f32', ['j', 'e'])})"
        if kind == "select":
            return "select(j % 2 == 0, v, -v)"
        return kind

    def epilogue(self, sum):
        kind, dims = self.choice["epilogue"], self.dims(self.query_heads, self.queries, ["e"])
        if kind == "gate":
            return f"sigmoid({self.operand('gate', self.type, dims)}) * {sum}"
        if kind == "residual":
            return f"{sum} + {self.operand('x', self.type, dims)}"
        return {"max": f"max({sum}, 0)", "scale": f"0.5 * {sum}"}.get(kind, sum)

    def further(self, weigh, weights):
        """Another sum with the same weights, and its dimensions after those of the query."""
        kind = self.choice["further"]
        if kind == "second value":
            self.operand("v2", self.type, self.dims(self.key_heads, self.keys, ["c"]))
            return weigh("v2"), ["c"]
        if weights != "softmax" or not kind:
            return None
        return {"score": (weigh("s^2"), []), "entropy": (f"-{weigh('log(p)')}", []),
                "divergence": (weigh("(log(p) + 0.1 * j)"), [])}[kind]

    def write(self):
        keys = ", ".join(self.keys)
        score, condition, value = self.score(), self.condition(), self.value()
        weights = self.choice["weights"]
        weight = {"softmax": "p", "exp over a sum": "exp(0.1 * s)", "sigmoid": "sigmoid(s)", "linear": "s"}[weights]
        where = "" if weights == "softmax" else condition
        weigh = lambda value: f"sum[{keys}]({weight} * {value}{where})"  # noqa: E731
        lines = [f"s = {score}"] + ([f"p = softmax[{keys}](s{condition})"] if weights == "softmax" else [])
        lines.append(f"o = {self.epilogue(weigh(value))}")
        heads = self.query_heads
        type = "f32" if self.choice["result"] == "f32" else self.type
        results = [("o", type, self.dims(heads, self.queries, ["e"]))]
        if self.choice["logsumexp"] and weights == "softmax":
            results.append(("lse", "f32", heads + self.queries))
            lines.append(f"lse = logsumexp[{keys}](s{condition})")
        if self.choice["maps"] and weights == "softmax":
            results.append(("w", "f32", heads + self.queries + self.keys))
            lines.append("w = p")
        if further := self.further(weigh, weights):
            results.append(("further", "f32", heads + self.queries + further[1]))
            lines.append(f"further = {further[0]}")
        if self.choice["maximum"] and weights == "softmax":
            results.append(("top", "f32", heads + self.queries))
            lines.append(f"top = max[{keys}](s{condition})")
        typed = ", ".join(f"{name}: {type}[{', '.join(dims)}]" for name, type, dims in results)
        text = f"attention f({', '.join(self.operands)})\n    -> ({typed}) {{\n"
        text += "".join(f"  {line}\n" for line in lines) + "}\n"
        return Program(text, self.sizes(), tuple(name for name, *_ in results),
                       (f"f.T={self.choice['set T']}",) if self.type == "T" else ())

    def sizes(self):
        used = set(self.queries + self.keys + ["d", "e"])
        for dim in self.query_heads + self.key_heads:
            used |= set(dim.strip("()").split(", "))
        if self.choice["similarity"] == "bilinear":
            used.add("a")
        if "v2" in self.types:
            used.add("c")
        places = {"ix": "i2", "jx": "j2", "a": "d"}
        return {name: self.choice[places.get(name, name)] for name in sorted(used - set(self.ranges))}


def write(choices):
    """The program of these choices; those that are not given are 0."""
    return Writer(choices).write()


def draw(seed):
    """Choices, the same for the same seed: about half of them the simplest."""
    rng = random.Random(seed)
    lazy = rng.choice((0.3, 0.6, 0.8))
    choices = {}
    for name, options in OPTIONS.items():
        plain = 0.0 if len(name) <= 2 else lazy
        choices[name] = 0 if rng.random() < plain else rng.randrange(len(options))
    return choices


def simpler(choices):
    """Yields choices with one of them simpler, the greatest steps first."""
    for name, number in choices.items():
        for lower in sorted({0, number // 2, number - 1}):
            if 0 <= lower < number:
                yield choices | {name: lower}
