"""Other implementations that are measured in turn with ours.

A peer is a class with a `name` and the `kind` of rows that it computes; making one imports what it needs.
`prepare(case, threads)` returns a function that computes the case once, without copying operands, and `result`
turns what that gives into an array. `prepare` raises Unsupported for what the peer cannot compute. Rows are told by what they compute, never by their names. `views`
says that it takes the operands where they are, `compiles` that it compiles for many seconds.
"""

import importlib


class Unsupported(Exception):
    """The peer has no way to compute this; says what it lacks."""


PEERS = {"onnx_runtime": ("Attention", "MultiHead", "GroupQuery", "Unfused", "Linear", "MiniLM", "ViT"),
         "torch_cpu": ("Sdpa", "Flex", "Linear", "PackedLinear", "MiniLM", "ViT"), "openvino_cpu": ("Sdpa",), "jax_cpu": ("Attention",),
         "iree_cpu": ("Attention",)}


def load():
    """The peers that are installed, and why the others are not: by the name of their package."""
    peers, missing = [], {}
    for module, classes in PEERS.items():
        try:
            loaded = importlib.import_module(f"peers.{module}")
        except (ImportError, OSError) as error:
            missing[module.removesuffix("_cpu")] = f"not installed ({error})".replace("\n", " ")
            continue
        peers += [getattr(loaded, name)() for name in classes]
    return peers, missing
