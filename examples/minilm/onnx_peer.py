"""all-MiniLM-L6-v2 as an ONNX graph from the same weights, fused for ONNX Runtime: the peer for accuracy and speed.

The graph has the shape that PyTorch's exporter gives BERT, because the fusions of ONNX Runtime look for it.
"""

import collections
import os
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import reference
import weights

# What must be in the graph once it is fused; anything else would be a slower peer than ONNX Runtime can be.
FUSED = {"EmbedLayerNormalization": 1, "Attention": reference.LAYERS,
         "SkipLayerNormalization": 2 * reference.LAYERS, "BiasGelu": reference.LAYERS}


class Graph:
    """Nodes and constants under construction."""

    def __init__(self, tensors):
        self.tensors, self.nodes, self.constants = tensors, [], {}

    def constant(self, name, value):
        self.constants.setdefault(name, numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def param(self, name, transpose=False):
        value = self.tensors[name]
        return self.constant(name, value.T if transpose else value)

    def op(self, kind, *inputs, **attributes):
        output = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], output, **attributes))
        return output

    def linear(self, x, name):
        product = self.op("MatMul", x, self.param(name + ".weight", transpose=True))
        return self.op("Add", self.param(name + ".bias"), product)

    def layer_norm(self, x, name):
        return self.op("LayerNormalization", x, self.param(name + ".weight"), self.param(name + ".bias"),
                       axis=-1, epsilon=reference.EPSILON)


def embeddings(g):
    """Word, position and segment embeddings of `input_ids`, normalized: [b, n, c]."""
    zero, one = g.constant("zero", np.int64([0])), g.constant("one", np.int64([1]))
    n = g.op("Gather", g.op("Shape", "input_ids"), g.constant("one_scalar", np.int64(1)), axis=0)
    positions = g.op("Slice", g.constant("positions", np.arange(512, dtype=np.int64)[None]),
                     zero, g.op("Unsqueeze", n, zero), one, one)
    at = "embeddings."
    x = g.op("Add", g.op("Gather", g.param(at + "word_embeddings.weight"), "input_ids"),
             g.op("Gather", g.param(at + "token_type_embeddings.weight"), "token_type_ids"))
    x = g.op("Add", x, g.op("Gather", g.param(at + "position_embeddings.weight"), positions))
    return g.layer_norm(x, at + "LayerNorm")


def encoder_layer(g, x, bias, at, width):
    """One post-norm layer; bias: [b, 1, 1, n], added to the scores."""
    head = width // reference.HEADS
    split = g.constant("split", np.int64([0, 0, reference.HEADS, head]))

    def heads(part, order):
        return g.op("Transpose", g.op("Reshape", g.linear(x, at + "attention.self." + part), split), perm=order)

    q, k, v = heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]), heads("value", [0, 2, 1, 3])
    s = g.op("Div", g.op("MatMul", q, k), g.constant("root_head", np.float32(np.sqrt(head))))
    p = g.op("Softmax", g.op("Add", s, bias), axis=-1)
    o = g.op("Transpose", g.op("MatMul", p, v), perm=[0, 2, 1, 3])
    o = g.op("Reshape", o, g.constant("join", np.int64([0, 0, width])))
    x = g.layer_norm(g.op("Add", g.linear(o, at + "attention.output.dense"), x), at + "attention.output.LayerNorm")
    f = g.linear(x, at + "intermediate.dense")
    e = g.op("Add", g.op("Erf", g.op("Div", f, g.constant("root_2", np.float32(np.sqrt(2))))),
             g.constant("one_f32", np.float32(1)))
    f = g.op("Mul", g.op("Mul", f, e), g.constant("half", np.float32(0.5)))
    return g.layer_norm(g.op("Add", g.linear(f, at + "output.dense"), x), at + "output.LayerNorm")


def build(tensors) -> onnx.ModelProto:
    """(input_ids, token_type_ids, attention_mask: i64[b, n]) -> y: f32[b, c], normalized."""
    g = Graph(tensors)
    x = embeddings(g)
    one, two = g.constant("one", np.int64([1])), g.constant("two", np.int64([2]))
    wide = g.op("Cast", g.op("Unsqueeze", g.op("Unsqueeze", "attention_mask", one), two), to=TensorProto.FLOAT)
    bias = g.op("Mul", g.op("Sub", g.constant("one_f32", np.float32(1)), wide), g.constant("low", np.float32(-10000)))
    width = tensors["embeddings.LayerNorm.weight"].shape[0]
    for layer in range(reference.LAYERS):
        x = encoder_layer(g, x, bias, f"encoder.layer.{layer}.", width)
    keep = g.op("Cast", "attention_mask", to=TensorProto.FLOAT)
    keep = g.op("Unsqueeze", keep, two)
    total = g.op("ReduceSum", g.op("Mul", x, keep), one, keepdims=0)
    mean = g.op("Div", total, g.op("ReduceSum", keep, one, keepdims=0))
    norm = g.op("Sqrt", g.op("ReduceSum", g.op("Mul", mean, mean), one, keepdims=1))
    g.nodes.append(helper.make_node("Div", [mean, norm], ["y"], "normalize"))

    tokens = [helper.make_tensor_value_info(name, TensorProto.INT64, ["b", "n"])
              for name in ("input_ids", "token_type_ids", "attention_mask")]
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["b", width])
    graph = helper.make_graph(g.nodes, "minilm", tokens, [result], list(g.constants.values()))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def fuse(model: onnx.ModelProto, width: int) -> onnx.ModelProto:
    """The graph with ONNX Runtime's BERT fusions; raises RuntimeError when one of them did not happen."""
    from onnxruntime.transformers import optimizer
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "minilm.onnx")
        onnx.save(model, path)
        fused = optimizer.optimize_model(path, model_type="bert", num_heads=reference.HEADS, hidden_size=width,
                                         opt_level=0)
    kinds = collections.Counter(node.op_type for node in fused.model.graph.node)
    missing = {kind: f"{kinds[kind]} of {count}" for kind, count in FUSED.items() if kinds[kind] != count}
    if missing:
        raise RuntimeError(f"not fused by ONNX Runtime: {missing}; the graph has {dict(kinds)}")
    return fused.model


class Peer:
    """A session of ONNX Runtime with every optimization."""

    def __init__(self, tensors, threads=2, fused=True):
        model = build(tensors)
        if fused:
            model = fuse(model, tensors["embeddings.LayerNorm.weight"].shape[0])
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Its threads spin within a run, but not on into the time of others that are measured in turn with it.
        options.add_session_config_entry("session.force_spinning_stop", "1")
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def feed(self, ids, length):
        mask = np.arange(ids.shape[1]) < length[:, None]
        feed = {"input_ids": ids.astype(np.int64), "token_type_ids": np.zeros(ids.shape, np.int64),
                "attention_mask": mask.astype(np.int64)}
        return {entry.name: feed[entry.name].astype(np.int32 if "int32" in entry.type else np.int64)
                for entry in self.session.get_inputs()}

    def run(self, feed):
        return self.session.run(None, feed)[0]

    def embed(self, ids, length):
        """ids: integers [b, n]; length: integers [b]; returns f32 [b, 384], normalized."""
        return self.run(self.feed(ids, length))


if __name__ == "__main__":
    tensors = weights.load()
    ids, length = reference.sample_batch(4, 40)
    double = reference.embed(tensors, ids, length)
    for fused in (False, True):
        difference = np.abs(Peer(tensors, fused=fused).embed(ids, length) - double).max()
        print(f"ONNX Runtime, {'fused' if fused else 'plain'} graph: differs from NumPy f64 by {difference:.1e}")
        assert difference < 2e-6
