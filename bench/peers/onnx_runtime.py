"""ONNX Runtime: its operators for attention, and the three operators that they replace."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import aligned
import attention
from peers import Unsupported

MICROSOFT = "com.microsoft"


def session(nodes, inputs, constants, threads):
    """nodes of one graph with the output `o`; inputs: arrays by name."""
    declared = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(each.dtype), each.shape)
                for name, each in inputs.items()]
    output = helper.make_tensor_value_info("o", TensorProto.FLOAT, None)
    graph = helper.make_graph(nodes, "attention", declared, [output],
                              [numpy_helper.from_array(value, name) for name, value in constants.items()])
    model = helper.make_model(graph, ir_version=10, opset_imports=[
        helper.make_opsetid("", 24), helper.make_opsetid(MICROSOFT, 1)])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    # Its threads must not spin on into the time of others that are measured in turn with it.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


class Peer:
    """Makes a graph and runs it on [B, heads, S, D] or [B, S, heads * D], whichever the operator takes."""

    kind = "attention"

    def prepare(self, case, threads):
        refuse_narrow(case)
        nodes, inputs, constants = self.graph(case)
        made = session(nodes, inputs, constants, threads)
        shape = (case.B, case.I, case.heads, case.D)

        def run():
            return made.run(None, inputs)[0]
        self.result = lambda o: o if o.ndim == 4 else o.reshape(shape).transpose(0, 2, 1, 3)
        return run


def refuse_narrow(case):
    if case.dtype != "f32":
        raise Unsupported(f"no {case.dtype} on CPUs")


def wide(case):
    """q, k and v as [B, heads, S, D], compact."""
    return {name: aligned.copy(getattr(case, name)) for name in "qkv"}


def flat(case):
    """q, k and v as [B, S, heads * D]: the memory as it is."""
    return {name: value.transpose(0, 2, 1, 3).reshape(case.B, value.shape[2], -1)
            for name, value in (("q", case.q), ("k", case.k), ("v", case.v))}


def refuse_rotation(case):
    if case.row.variant.rotate:
        raise Unsupported("rotates outside of the operator")


class Attention(Peer):
    """The standard's operator of opset 24, with a table of biases where there is one."""

    name = "ORT Attention"

    def graph(self, case):
        refuse_rotation(case)
        inputs, options = wide(case), {"scale": float(case.D**-0.5)}
        if case.causal:
            options["is_causal"] = 1
        elif (bias := case.bias()) is not None:
            inputs["bias"] = bias
        return [helper.make_node("Attention", list(inputs), ["o"], **options)], inputs, {}


class MultiHead(Peer):
    """The operator behind its fused graphs, on the memory as it is."""

    name = "ORT MultiHeadAttention"

    def graph(self, case):
        refuse_rotation(case)
        if case.G > 1:
            raise Unsupported("no grouped heads")
        inputs, names = flat(case), ["q", "k", "v"]
        if not case.causal and (bias := case.bias()) is not None:
            inputs["bias"], names = bias, ["q", "k", "v", "", "", "bias"]
        options = {"num_heads": case.heads, "scale": float(case.D**-0.5), "unidirectional": int(case.causal)}
        return [helper.make_node("MultiHeadAttention", names, ["o"], domain=MICROSOFT, **options)], inputs, {}


class GroupQuery(Peer):
    """The operator for decoders: causal, with a cache, a window and rotary positions."""

    name = "ORT GroupQueryAttention"

    def graph(self, case):
        past = case.J - case.I
        window = case.window()
        if case.row.variant.score != "s" or window is None or (window == case.J and not case.row.variant.mask):
            raise Unsupported("causal only, without biases")
        inputs, cache = flat(case), wide(case)
        for name in "kv":
            inputs[name] = aligned.copy(inputs[name][:, past:])
        inputs |= {"past_k": cache["k"][:, :, :past], "past_v": cache["v"][:, :, :past]}
        inputs = {name: aligned.copy(value) for name, value in inputs.items()}
        inputs["last"] = np.full(case.B, case.J - 1, np.int32)
        constants = {"total": np.array(case.J, np.int32)}
        names = ["q", "k", "v", "past_k", "past_v", "last", "total"]
        if case.row.variant.rotate:
            constants |= {name: table.astype(np.float32)
                          for name, table in zip(("cos", "sin"), attention.turn(case.J, case.D))}
            names += ["cos", "sin"]
        node = helper.make_node("GroupQueryAttention", names, ["o", "present_k", "present_v"],
                                domain=MICROSOFT, num_heads=case.heads, kv_num_heads=case.H,
                                do_rotary=int(case.row.variant.rotate), local_window_size=window if window < case.J else -1)
        return [node], inputs, constants


class Unfused(Peer):
    """MatMul, Softmax, MatMul: what the operators above replace."""

    name = "ORT MatMul-Softmax-MatMul"

    def graph(self, case):
        refuse_rotation(case)
        inputs = wide(case)
        inputs["k"] = aligned.copy(inputs["k"].transpose(0, 1, 3, 2))
        inputs["q"] = inputs["q"].reshape(case.B, case.H, case.G * case.I, case.D)
        bias = case.bias()
        if bias is not None:
            if case.G > 1:
                raise Unsupported("no grouped heads with biases")
            inputs["bias"] = bias
        constants = {"scale": np.array(case.D**-0.5, np.float32),
                     "shape": np.array([case.B, case.heads, case.I, case.D], np.int64)}
        nodes = [helper.make_node("Mul", ["q", "scale"], ["scaled"]),
                 helper.make_node("MatMul", ["scaled", "k"], ["s"]),
                 *([helper.make_node("Add", ["s", "bias"], ["masked"])] if bias is not None else []),
                 helper.make_node("Softmax", ["masked" if bias is not None else "s"], ["p"], axis=-1),
                 helper.make_node("MatMul", ["p", "v"], ["wide"]),
                 helper.make_node("Reshape", ["wide", "shape"], ["o"])]
        return nodes, inputs, constants


class Linear(Peer):
    name, kind = "ORT Gemm", "linear"

    def graph(self, case):
        node = helper.make_node("Gemm", ["x", "w", "shift"], ["o"])
        return [node], {"x": case.x}, {"w": np.ascontiguousarray(case.w.T), "shift": case.shift}

    def prepare(self, case, threads):
        refuse_narrow(case)
        made = session(*self.graph(case), threads)
        self.result = lambda o: o
        return lambda: made.run(None, {"x": case.x})[0]


class MiniLM:
    """The whole model with the fusions of ONNX Runtime for BERT."""

    name, kind = "ORT fused graph", "minilm"

    def prepare(self, case, threads):
        refuse_narrow(case)
        import onnx_peer
        peer = onnx_peer.Peer(case.tensors, threads)
        feed = peer.feed(case.ids, case.length)
        return lambda: peer.run(feed)

    def result(self, o):
        return o


class ViT:
    """The whole model of the operators that ONNX Runtime fuses one to: with one product for q, k and v."""

    name, kind = "ORT fused graph", "vit"

    def prepare(self, case, threads):
        refuse_narrow(case)
        sizes, nodes, constants = case.reference, [], {}

        def constant(name, value):
            constants[name] = np.ascontiguousarray(value)
            return name

        def weights(*names):
            """The weights and biases of linear layers on the same input, as one."""
            return (constant(names[0] + ".w", np.concatenate([case.tensors[n + ".weight"] for n in names]).T),
                    constant(names[0] + ".b", np.concatenate([case.tensors[n + ".bias"] for n in names])))

        def norm(name):
            return [constant(name + part, case.tensors[name + part]) for part in (".weight", ".bias")]

        def op(kind, inputs, outputs=1, domain=MICROSOFT, **attributes):
            made = [f"{kind}_{len(nodes)}_{k}" for k in range(outputs)]
            nodes.append(helper.make_node(kind, inputs, made, domain=domain, **attributes))
            return made if outputs > 1 else made[0]

        def add_and_norm(x, product, bias, name):
            """The norm of x + product + bias, and that sum."""
            normed, _, _, total = op("SkipLayerNormalization", [product, x, *norm(name), bias], 4,
                                     epsilon=sizes.EPSILON)
            return normed, total

        w, b = weights("embeddings.patch_embeddings.projection")
        e = op("Add", [op("MatMul", ["patches", w], domain=""), b], domain="")
        tokens = np.broadcast_to(case.tensors["embeddings.cls_token"], (case.B, 1, sizes.WIDTH))
        e = op("Concat", [constant("tokens", tokens), e], domain="", axis=1)
        places = constant("places", case.tensors["embeddings.position_embeddings"])
        x = op("Add", [e, places], domain="")
        u = op("LayerNormalization", [x, *norm("encoder.layer.0.layernorm_before")], domain="", epsilon=sizes.EPSILON)
        for layer in range(sizes.LAYERS):
            at = f"encoder.layer.{layer}."
            attention_at = at + "attention.attention."
            w, b = weights(attention_at + "query", attention_at + "key", attention_at + "value")
            a = op("Attention", [u, w, b], num_heads=sizes.HEADS)
            w, b = weights(at + "attention.output.dense")
            u, x = add_and_norm(x, op("MatMul", [a, w], domain=""), b, at + "layernorm_after")
            w, b = weights(at + "intermediate.dense")
            f = op("BiasGelu", [op("MatMul", [u, w], domain=""), b])
            w, b = weights(at + "output.dense")
            last = layer + 1 == sizes.LAYERS
            following = "layernorm" if last else f"encoder.layer.{layer + 1}.layernorm_before"
            u, x = add_and_norm(x, op("MatMul", [f, w], domain=""), b, following)
        nodes.append(helper.make_node("Identity", [u], ["o"]))
        inputs = {"patches": case.patches}
        made = session(nodes, inputs, constants, threads)
        return lambda: made.run(None, inputs)[0]

    def result(self, o):
        return o
