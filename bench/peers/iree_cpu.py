"""IREE: its operator for attention, compiled for this machine with all sizes known."""

import iree.compiler
import iree.runtime
import numpy as np

from peers import Unsupported

DTYPES = {"f32": "f32", "bf16": "bf16"}
# b, h: batch and key heads; g: query heads of each; i, j: queries and keys; d, e: widths.
AXES = "(b, h, g, i, j, d, e)"
MODULE = """
func.func @attention({arguments}) -> {o} {{
  %scale = arith.constant {scale:e} : {dtype}
  %empty = tensor.empty() : {o}
  %o = iree_linalg_ext.attention <{{indexing_maps = [{maps}]}}>
      ins({names} : {types}) outs(%empty : {o}) {{
  ^bb0(%score: f32):
    iree_linalg_ext.yield %score : f32
  }} -> {o}
  return %o : {o}
}}
"""


workers = []


def device(threads):
    """The calling thread alone, or that many workers, whose number a process fixes once."""
    if threads == 1:
        return iree.runtime.get_device("local-sync")
    if not workers:
        workers.append(threads)
        iree.runtime.flags.parse_flags(f"--task_topology_group_count={threads}")
    if threads not in workers:
        raise Unsupported(f"has {workers[0]} threads in this process, once and for all")
    return iree.runtime.get_device("local-task")


def source(operands, dtype, scale, o):
    """operands: array and the axes of its dimensions by name, in order; o: the shape of the result."""
    def tensor(shape, dtype):
        return f"tensor<{'x'.join(map(str, shape))}x{dtype}>"
    types = {name: tensor(array.shape, "f32" if name == "bias" else dtype) for name, (array, _) in operands.items()}
    maps = {name: axes for name, (_, axes) in operands.items()}
    ordered = ["q", "k", "v", "scale", *(["bias"] if "bias" in types else [])]
    return MODULE.format(
        arguments=", ".join(f"%{name}: {kind}" for name, kind in types.items()), scale=scale, dtype=dtype,
        o=tensor(o, dtype), names=", ".join(f"%{name}" for name in ordered),
        types=", ".join((types | {"scale": dtype})[name] for name in ordered),
        maps=", ".join(f"affine_map<{AXES} -> ({axes})>"
                       for axes in [*((maps | {"scale": ""})[name] for name in ordered), "b, h, g, i, e"]))


class Attention:
    """A mask or a score that is a sum becomes the table that the operator adds."""

    name, kind = "IREE attention", "attention"

    def prepare(self, case, threads):
        if case.row.variant.rotate:
            raise Unsupported("rotates outside of the operator")
        heads = (case.B, case.H, case.G)
        operands = {"q": (case.q.reshape(*heads, case.I, case.D), "b, h, g, i, d"),
                    "k": (case.k, "b, h, j, d"), "v": (case.v, "b, h, j, e")}
        if (bias := case.bias()) is not None:
            bias = np.broadcast_to(bias, (bias.shape[0], case.heads if bias.shape[1] > 1 else 1, case.I, case.J))
            axes = [axis for axis, has in zip(("b", "h, g"), bias.shape) if has > 1]
            shape = [size for size, axis in zip((case.B, case.H, case.G), "bhg") if axis in ", ".join(axes)]
            operands["bias"] = bias.reshape(*shape, case.I, case.J), ", ".join([*axes, "i", "j"])
        text = source(operands, DTYPES[case.dtype], case.D**-0.5, (*heads, case.I, case.D))
        code = iree.compiler.compile_str(text, target_backends=["llvm-cpu"],
                                         extra_args=["--iree-llvmcpu-target-cpu=host", "--iree-opt-level=O3"])
        config = iree.runtime.Config(device=device(threads))
        context = iree.runtime.SystemContext(config=config)
        context.add_vm_module(iree.runtime.VmModule.copy_buffer(context.instance, code))
        function = context.modules.module.attention
        arrays = [iree.runtime.asdevicearray(config.device, np.ascontiguousarray(array))
                  for array, _ in operands.values()]
        # A copy: what is mapped does not keep the memory alive.
        self.result = lambda o: np.array(o.to_host()).reshape(case.B, case.heads, case.I, case.D)
        return lambda: function(*arrays)
