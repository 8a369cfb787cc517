#!/usr/bin/env python3
"""Runs the graphs of the network that ships in PyTorch, beside our kernels, tract, ONNX Runtime and candle.

    python3 benches/peers/networks.py [--keep] [--python PATH]

Needs cargo, Python 3.9 or later, and a package index that pip can reach. torch, onnx and onnxruntime go into
a virtual environment in a temporary folder, which is removed afterwards unless `--keep` is given; `--python`
names an interpreter that has them already. Batch 1, one thread, wall time; of each side the median
counts, so it wants a quiet machine. PyTorch must give what ONNX Runtime gives to 1e-4.
"""

import pathlib
import re
import time

from beside import ROOT, output, session

MODELS = ROOT / "models/next-move"
PACKAGES = ["torch", "onnx", "onnxruntime", "numpy"]
PARTS = {"frame": "frame", "temporal": "temporal", "fusion": "price stream and fusion", "heads": "heads"}
TOLERANCE = 1e-4
RUNS = 2_000


def work(peers):
    peer = peers()
    tell(ours() | ours(ORT_DYLIB_PATH=peer["library"]) | candle() | peer["sides"])


def ours(**variables):
    """What our bench tells of our kernels and of one graph runner: µs by part."""
    return medians(output(["cargo", "bench", "--quiet", "-p", "janus", "--bench", "networks"], **variables))


def candle():
    """What the definition costs that networks are trained with."""
    return medians(output(["cargo", "bench", "--quiet", "-p", "training", "--bench", "candle"]))


def medians(told):
    scale = {"ns": 1e-3, "µs": 1.0, "ms": 1e3}
    pattern = r"^(\S.*?)/(.+?)\s+time:\s+\[\S+ \S+ ([\d.]+) (\S+)"
    sides = {}
    for side, part, median, unit in re.findall(pattern, told, re.MULTILINE):
        sides.setdefault(side, {})[part] = float(median) * scale[unit]
    return sides


def theirs():
    """PyTorch on the same graphs, node by node and traced: µs by part."""
    import numpy
    import onnxruntime
    import torch

    torch.set_num_threads(1)
    draw = numpy.random.default_rng(1)
    eager, traced = {}, {}
    with torch.inference_mode():
        for name, part in PARTS.items():
            path = str(MODELS / f"{name}.onnx")
            session = onnxruntime.InferenceSession(path)
            given = draw.normal(size=session.get_inputs()[0].shape).astype(numpy.float32)
            run, row = graph(path), torch.from_numpy(given)
            apart = numpy.abs(run(row).numpy() - session.run(None, {"input": given})[0]).max()
            assert apart <= TOLERANCE, f"{name}: {apart} from ONNX Runtime"
            eager[part] = median(lambda: run(row))
            frozen = torch.jit.trace(run, row)
            traced[part] = median(lambda: frozen(row))
    folder = pathlib.Path(onnxruntime.__file__).parent / "capi"
    library = next(path for path in folder.glob("libonnxruntime.so*") if "providers" not in path.name)
    sides = {f"PyTorch {torch.__version__}": eager, "… traced": traced}
    return {"library": str(library), "sides": sides}


def graph(path):
    """A graph of ours as a function of PyTorch: the operators that our writer knows."""
    import onnx
    import torch
    from onnx import helper, numpy_helper

    model = onnx.load(path).graph
    constants = {c.name: torch.from_numpy(numpy_helper.to_array(c).copy()) for c in model.initializer}
    lists = {c.name: numpy_helper.to_array(c).tolist() for c in model.initializer}
    linear = torch.nn.functional.linear

    def bound(node):
        """The node as a function of its inputs; lists and axes are taken from the graph."""
        asked = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        axis, keep = asked.get("axis", -1), bool(asked.get("keepdims", 1))
        told = [lists.get(name) for name in node.input]
        match node.op_type:
            case "Add": return torch.add
            case "Sub": return torch.sub
            case "Mul": return torch.mul
            case "Max": return torch.maximum
            case "MatMul": return torch.matmul
            case "Erf": return torch.erf
            case "Sigmoid": return torch.sigmoid
            case "Gemm": return linear if asked.get("transB") else lambda x, w, b: linear(x, w.T, b)
            case "Softmax": return lambda x: torch.softmax(x, axis)
            case "Concat": return lambda *xs: torch.cat(xs, axis)
            case "Transpose": return lambda x: x.permute(asked["perm"])
            case "ReduceMean": return lambda x: x.mean(asked["axes"], keep)
            case "ReduceSum": return lambda x, _: x.sum(told[1], keep)
            case "Reshape": return lambda x, _: x.reshape(told[1])
            case "Split": return lambda x, *_: x.split(told[1], axis)
            case "Slice":
                [start], [end], [at] = told[1:4]
                return lambda x, *_: x[(slice(None),) * at + (slice(start, end),)]
            case "LayerNormalization":
                return lambda x, w, b: torch.nn.functional.layer_norm(x, w.shape, w, b, asked["epsilon"])
        raise ValueError(f"{node.op_type} is no operator of ours")

    steps = [(bound(node), [*node.input], [*node.output]) for node in model.node]

    def run(row):
        known = {**constants, model.input[0].name: row}
        for work, given, made in steps:
            done = work(*(known[name] for name in given))
            known.update(zip(made, done if isinstance(done, tuple) else (done,)))
        return known[model.output[0].name]

    return run


def median(work):
    for _ in range(RUNS // 4):
        work()
    spent = []
    for _ in range(RUNS):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return sorted(spent)[RUNS // 2] * 1e6


def tell(sides):
    print(f"{'µs at batch 1, one thread':<34}" + "".join(f"{part:>26}" for part in PARTS.values()))
    for side, parts in sides.items():
        figures = (parts.get(part) for part in PARTS.values())
        print(f"{side:<34}" + "".join(f"{'–':>26}" if us is None else f"{us:>26.1f}" for us in figures))


if __name__ == "__main__":
    session(__doc__, PACKAGES, theirs, work)
