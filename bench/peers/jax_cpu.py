"""JAX on CPUs, compiled by XLA."""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np

from peers import Unsupported


class Attention:
    name = "JAX dot_product_attention"
    kind = "attention"

    def prepare(self, case, threads):
        if threads != len(os.sched_getaffinity(0)):
            raise Unsupported("uses as many threads as the process may")
        if case.row.variant.rotate:
            raise Unsupported("rotates outside of the operator")
        q, k, v = (jnp.asarray(each.transpose(0, 2, 1, 3)) for each in (case.q, case.k, case.v))
        bias = None if case.causal else case.bias()
        bias = None if bias is None else jnp.asarray(bias)
        function = jax.jit(lambda q, k, v, bias: jax.nn.dot_product_attention(q, k, v, bias, is_causal=case.causal))
        return lambda: jax.block_until_ready(function(q, k, v, bias))

    def result(self, o):
        return np.asarray(o).transpose(0, 2, 1, 3)
