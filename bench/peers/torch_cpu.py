"""PyTorch on CPUs: scaled_dot_product_attention, and FlexAttention as its compiler makes it."""

import logging
import warnings

import numpy as np
import torch
from torch.nn.attention import flex_attention
from torch.nn.functional import scaled_dot_product_attention

import attention
import grid
from peers import Unsupported

warnings.filterwarnings("ignore", module="torch")
logging.getLogger("torch").setLevel(logging.ERROR)
DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}


def tensor(array):
    """A view of an array, of bf16 too."""
    if array.dtype == grid.DTYPES["bf16"]:
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    return torch.from_numpy(array)


def rotate(x, cos, sin):
    """Rotary positions from tables: x[B, heads, n, D]."""
    low, high = x.chunk(2, -1)
    return torch.cat([low * cos - high * sin, high * cos + low * sin], -1)


class Peer:
    kind, views = "attention", True

    def prepare(self, case, threads):
        torch.set_num_threads(threads)
        run = self.function(case, *(tensor(each) for each in (case.q, case.k, case.v)))

        def inference():
            with torch.inference_mode():
                return run()
        return inference

    def result(self, o):
        if o.dtype == torch.bfloat16:
            return o.view(torch.int16).numpy().view(grid.DTYPES["bf16"])
        return o.numpy()


class Sdpa(Peer):
    name = "PyTorch SDPA"

    def function(self, case, q, k, v):
        bias = None if case.causal else case.bias()
        options = {"is_causal": case.causal, "enable_gqa": case.G > 1}
        if bias is not None:
            options["attn_mask"] = torch.from_numpy(bias).to(DTYPES[case.dtype])
        if case.row.variant.rotate:
            cos, sin = (torch.from_numpy(each).to(DTYPES[case.dtype]) for each in attention.turn(case.J, case.D))
            return lambda: scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, **options)
        return lambda: scaled_dot_product_attention(q, k, v, **options)


class Flex(Peer):
    """The expressions of the row are its functions."""

    name = "PyTorch FlexAttention"
    compiles = True

    def function(self, case, q, k, v):
        variant = case.row.variant
        if variant.rotate:
            raise Unsupported("rotates outside of the kernel")
        inputs = {name: torch.from_numpy(value) for name, value in case.inputs.items()}
        inputs = {name: value if value.ndim else value.item() for name, value in inputs.items()}

        def names(b, h, i, j):
            return case.row.sizes | inputs | {"b": b, "h": h, "i": i, "j": j}

        def mask(b, h, i, j):
            return grid.expression(variant.mask, torch, names(b, h, i, j))

        def score(s, b, h, i, j):
            return grid.expression(variant.score, torch, names(b, h, i, j) | {"s": s})
        options = {"enable_gqa": case.G > 1}
        if variant.score != "s":
            options["score_mod"] = score
        if variant.mask:
            batch = case.B if "[b]" in variant.mask else None
            options["block_mask"] = flex_attention.create_block_mask(mask, batch, None, case.I, case.J, device="cpu")
        torch.compiler.reset()
        compiled = torch.compile(flex_attention.flex_attention)
        return lambda: compiled(q, k, v, **options)


class Linear(Peer):
    name, kind = "PyTorch linear", "linear"

    def function(self, x, w, shift):
        return lambda: torch.nn.functional.linear(x, w, shift)

    def prepare(self, case, threads):
        torch.set_num_threads(threads)
        run = self.function(*(tensor(each) for each in (case.x, case.w, case.shift)))

        def inference():
            with torch.inference_mode():
                return run()
        return inference


class PackedLinear(Linear):
    """With the weights in oneDNN's order, once for all calls, as PyTorch's compiler has them."""

    name = "PyTorch packed linear"

    def function(self, x, w, shift):
        packed = torch.ops.mkldnn._reorder_linear_weight(w, len(x))
        return lambda: torch.ops.mkldnn._linear_pointwise(x, packed, shift, "none", [], "")


class MiniLM(Peer):
    name, kind = "PyTorch", "minilm"

    def prepare(self, case, threads):
        torch.set_num_threads(threads)
        sizes, functional = case.reference, torch.nn.functional
        tensors = {name: tensor(value) for name, value in case.tensors.items()}
        ids, length = torch.from_numpy(case.ids), torch.from_numpy(case.length)[:, None]
        layers = [f"encoder.layer.{layer}." for layer in range(sizes.LAYERS)]
        joined = [[torch.cat([tensors[f"{at}attention.self.{part}.{kind}"] for part in ("query", "key", "value")])
                   for kind in ("weight", "bias")] for at in layers]

        def linear(x, name):
            return functional.linear(x, tensors[name + ".weight"], tensors[name + ".bias"])

        def norm(x, name):
            return functional.layer_norm(x, x.shape[-1:], tensors[name + ".weight"], tensors[name + ".bias"],
                                         sizes.EPSILON)

        def run():
            with torch.inference_mode():
                keep = torch.arange(case.S) < length
                at = "embeddings."
                x = functional.embedding(ids, tensors[at + "word_embeddings.weight"])
                x = x + tensors[at + "position_embeddings.weight"][:case.S] + tensors[at + "token_type_embeddings.weight"][0]
                x = norm(x, at + "LayerNorm")
                for at, (weight, bias) in zip(layers, joined):
                    heads = functional.linear(x, weight, bias)
                    q, k, v = heads.view(*x.shape[:2], 3, sizes.HEADS, -1).permute(2, 0, 3, 1, 4)
                    a = scaled_dot_product_attention(q, k, v, attn_mask=keep[:, None, None]).transpose(1, 2).flatten(2)
                    x = norm(x + linear(a, at + "attention.output.dense"), at + "attention.output.LayerNorm")
                    f = functional.gelu(linear(x, at + "intermediate.dense"))
                    x = norm(x + linear(f, at + "output.dense"), at + "output.LayerNorm")
                return functional.normalize((x * keep[:, :, None]).sum(1) / length, dim=-1).to(x.dtype)
        return run


class ViT(Peer):
    name, kind = "PyTorch", "vit"

    def prepare(self, case, threads):
        torch.set_num_threads(threads)
        sizes, functional = case.reference, torch.nn.functional
        tensors = {name: tensor(value) for name, value in case.tensors.items()}
        patches = tensor(case.patches)
        layers = [f"encoder.layer.{layer}." for layer in range(sizes.LAYERS)]
        joined = [[torch.cat([tensors[f"{at}attention.attention.{part}.{kind}"] for part in ("query", "key", "value")])
                   for kind in ("weight", "bias")] for at in layers]

        def linear(x, name):
            return functional.linear(x, tensors[name + ".weight"], tensors[name + ".bias"])

        def norm(x, name):
            return functional.layer_norm(x, (sizes.WIDTH,), tensors[name + ".weight"], tensors[name + ".bias"],
                                         sizes.EPSILON)

        def run():
            with torch.inference_mode():
                e = linear(patches, "embeddings.patch_embeddings.projection")
                x = torch.cat([tensors["embeddings.cls_token"].expand(case.B, -1, -1), e], 1)
                x = x + tensors["embeddings.position_embeddings"]
                for at, (weight, bias) in zip(layers, joined):
                    heads = functional.linear(norm(x, at + "layernorm_before"), weight, bias)
                    q, k, v = heads.view(*x.shape[:2], 3, sizes.HEADS, -1).permute(2, 0, 3, 1, 4)
                    a = scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
                    x = x + linear(a, at + "attention.output.dense")
                    f = functional.gelu(linear(norm(x, at + "layernorm_after"), at + "intermediate.dense"))
                    x = x + linear(f, at + "output.dense")
                return norm(x, "layernorm")
        return run
