#!/usr/bin/env python3
"""Runs the graphs of the network that ships in PyTorch, beside our kernels, tract, ONNX Runtime and candle.

    python3 benches/peers/networks.py [--keep] [--python PATH]

Needs cargo, Python 3.9 or later, and a package index that pip can reach. torch, onnx2torch and onnxruntime go
into a virtual environment in a temporary folder, which is removed afterwards unless `--keep` is given;
`--python` names an interpreter that has them already. Batch 1, one thread, wall time; of each side the median
counts, so it wants a quiet machine. PyTorch must give what ONNX Runtime gives to 1e-4.
"""

import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = ROOT / "models/next-move"
PACKAGES = ["torch", "onnx", "onnx2torch", "onnxruntime", "numpy"]
PARTS = {"frame": "frame", "temporal": "temporal", "fusion": "price stream and fusion", "heads": "heads"}
TOLERANCE = 1e-4
RUNS = 2_000


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--keep", action="store_true", help="keep the virtual environment")
    arguments.add_argument("--python", help="an interpreter that has the packages already")
    arguments.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.inside:
        print(json.dumps(theirs()))
        return
    folder = tempfile.mkdtemp(prefix="janus-networks-")
    try:
        python = asked.python or install(folder)
        print(f"load average {' '.join(f'{x:.2f}' for x in os.getloadavg())}", flush=True)
        peer = json.loads(output([python, "-I", __file__, "--inside"]).splitlines()[-1])
        sides = ours({}) | ours({"ORT_DYLIB_PATH": peer["library"]}) | candle()
        tell(sides | peer["sides"])
    finally:
        if not asked.keep:
            shutil.rmtree(folder, ignore_errors=True)


def install(folder):
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = os.path.join(folder, "bin", "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(pip + PACKAGES, check=True)
    return python


def output(command, variables=None):
    environment = {**os.environ, **(variables or {})}
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=True, text=True, stdout=subprocess.PIPE
    ).stdout


def ours(variables):
    """What our bench tells of our kernels and of one graph runner: µs by part."""
    return medians(output(["cargo", "bench", "--quiet", "-p", "janus", "--bench", "networks"], variables))


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
    """PyTorch on the same graphs, as they are read and traced: µs by part."""
    import numpy
    import onnx2torch
    import onnxruntime
    import torch

    torch.set_num_threads(1)
    draw = numpy.random.default_rng(1)
    eager, traced = {}, {}
    with torch.inference_mode():
        for name, part in PARTS.items():
            session = onnxruntime.InferenceSession(str(MODELS / f"{name}.onnx"))
            given = draw.normal(size=session.get_inputs()[0].shape).astype(numpy.float32)
            module, row = onnx2torch.convert(str(MODELS / f"{name}.onnx")).eval(), torch.from_numpy(given)
            apart = numpy.abs(module(row).numpy() - session.run(None, {"input": given})[0]).max()
            assert apart <= TOLERANCE, f"{name}: {apart} from ONNX Runtime"
            eager[part] = median(lambda: module(row))
            frozen = torch.jit.freeze(torch.jit.trace(module, row))
            traced[part] = median(lambda: frozen(row))
    folder = pathlib.Path(onnxruntime.__file__).parent / "capi"
    library = next(path for path in folder.glob("libonnxruntime.so*") if "providers" not in path.name)
    version = torch.__version__
    return {"library": str(library), "sides": {f"PyTorch {version}": eager, f"… traced": traced}}


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
    main()
