"""OpenVINO's CPU plug-in."""

import openvino
from openvino import opset13

from peers import Unsupported

TYPES = {"f32": openvino.Type.f32, "bf16": openvino.Type.bf16}


class Sdpa:
    """Its operator for scaled_dot_product_attention, which its compiler may fuse further."""

    name = "OpenVINO SDPA"
    kind = "attention"

    def prepare(self, case, threads):
        if case.row.variant.rotate:
            raise Unsupported("rotates outside of the operator")
        if case.G > 1:
            raise Unsupported("no grouped heads without a copy of the keys")
        if case.dtype != "f32":
            raise Unsupported(f"takes no {case.dtype} arrays from Python")
        arrays = {"q": case.q, "k": case.k, "v": case.v}
        if not case.causal and (bias := case.bias()) is not None:
            arrays["bias"] = bias
        arrays = {name: value.copy(order="C") for name, value in arrays.items()}
        inputs = [opset13.parameter(list(value.shape), TYPES["f32"], name) for name, value in arrays.items()]
        node = opset13.scaled_dot_product_attention(*inputs, causal=case.causal)
        core = openvino.Core()
        compiled = core.compile_model(openvino.Model([node], inputs), "CPU", {
            "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": case.dtype})
        request = compiled.create_infer_request()
        for index, value in enumerate(arrays.values()):
            request.set_input_tensor(index, openvino.Tensor(value, shared_memory=True))

        def run():
            request.infer()
            return request.get_output_tensor(0).data
        run.keeps = arrays
        return run

    def result(self, o):
        return o
