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


class Encoder(Peer):
    """A whole model: `prepare_inputs` takes what it reads from a case, `encode` computes its result."""

    name = "PyTorch"

    def prepare(self, case, threads):
        torch.set_num_threads(threads)
        self.sizes, self.tensors = case.reference, {name: tensor(value) for name, value in case.tensors.items()}
        self.layers = [f"encoder.layer.{layer}." for layer in range(self.sizes.LAYERS)]
        self.joined = [[torch.cat([self.tensors[f"{at}{self.attention}.{part}.{kind}"] for part in ("query", "key", "value")])
                        for kind in ("weight", "bias")] for at in self.layers]
        inputs = self.prepare_inputs(case)

        def run():
            with torch.inference_mode():
                return self.encode(*inputs)
        return run

    def linear(self, x, name):
        return torch.nn.functional.linear(x, self.tensors[name + ".weight"], self.tensors[name + ".bias"])

    def norm(self, x, name):
        return torch.nn.functional.layer_norm(x, x.shape[-1:], self.tensors[name + ".weight"], self.tensors[name + ".bias"],
                                              self.sizes.EPSILON)

    def attend(self, x, layer, keep=None):
        """Self-attention with its three projections as one; keep: which keys count."""
        heads = torch.nn.functional.linear(x, *self.joined[layer])
        q, k, v = heads.view(*x.shape[:2], 3, self.sizes.HEADS, -1).permute(2, 0, 3, 1, 4)
        return scaled_dot_product_attention(q, k, v, attn_mask=keep).transpose(1, 2).flatten(2)

    def feed(self, x, at):
        """The two linear layers after the attention."""
        return self.linear(torch.nn.functional.gelu(self.linear(x, at + "intermediate.dense")), at + "output.dense")


class MiniLM(Encoder):
    kind, attention = "minilm", "attention.self"

    def prepare_inputs(self, case):
        return torch.from_numpy(case.ids), torch.from_numpy(case.length)[:, None]

    def encode(self, ids, length):
        positions = ids.shape[1]
        keep = torch.arange(positions) < length
        at = "embeddings."
        x = torch.nn.functional.embedding(ids, self.tensors[at + "word_embeddings.weight"])
        x = x + self.tensors[at + "position_embeddings.weight"][:positions] + self.tensors[at + "token_type_embeddings.weight"][0]
        x = self.norm(x, at + "LayerNorm")
        for layer, at in enumerate(self.layers):
            a = self.linear(self.attend(x, layer, keep[:, None, None]), at + "attention.output.dense")
            x = self.norm(x + a, at + "attention.output.LayerNorm")
            x = self.norm(x + self.feed(x, at), at + "output.LayerNorm")
        return torch.nn.functional.normalize((x * keep[:, :, None]).sum(1) / length, dim=-1).to(x.dtype)


class ViT(Encoder):
    kind, attention = "vit", "attention.attention"

    def prepare_inputs(self, case):
        return (tensor(case.patches),)

    def encode(self, patches):
        e = self.linear(patches, "embeddings.patch_embeddings.projection")
        x = torch.cat([self.tensors["embeddings.cls_token"].expand(len(patches), -1, -1), e], 1)
        x = x + self.tensors["embeddings.position_embeddings"]
        for layer, at in enumerate(self.layers):
            a = self.attend(self.norm(x, at + "layernorm_before"), layer)
            x = x + self.linear(a, at + "attention.output.dense")
            x = x + self.feed(self.norm(x, at + "layernorm_after"), at)
        return self.norm(x, "layernorm")
