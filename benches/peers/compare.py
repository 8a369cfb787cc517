#!/usr/bin/env python3
"""Runs this project beside other libraries on the same work, in one session, and prints the ratios.

    python3 benches/peers/compare.py [--keep] [--python PATH]

Needs cargo, Python 3.9 or later, and a package index that pip can reach. The libraries go into a
virtual environment in a temporary folder, which is removed afterwards unless `--keep` is given; the
build of the project never sees them. Of each side the fastest of several runs counts.
"""

import re
import time

from beside import ROOT, output, session

ORDERS = ROOT / "data/lob-bitstamp-btcusd-2026-05-02/orders.csv.gz"
PEERS = ["numpy", "pyts", "polars"]
OPTIONAL = ["hftbacktest"]
RUNS = 9
SIDE = 32
BATCH = 8_000
WINDOWS_PER_ITERATION = 64
GRID_NS = 250_000_000


def work(peers):
    theirs = peers(POLARS_MAX_THREADS="1")
    tell(ours(), theirs)


def ours():
    """Our figures, from our own benches: µs."""
    vision = output(["cargo", "bench", "--quiet", "-p", "janus", "--bench", "vision"])
    low, unit = re.search(rf"{SIDE}x{SIDE}\s+time:\s+\[([\d.]+) (\S+)", vision).groups()
    scale = {"ns": 1e-3, "µs": 1.0, "ms": 1e3}[unit]
    brain = output(["cargo", "bench", "--quiet", "-p", "janus", "--bench", "brain"])
    row = lambda name: float(re.search(rf"^{re.escape(name)}\s+([\d.]+)", brain, re.MULTILINE).group(1))
    return {
        "gaf": float(low) * scale / WINDOWS_PER_ITERATION,
        "read": row("reading it"),
        "market": row("+ exchange"),
    }


def theirs():
    """The peers' figures: µs."""
    figures = {"versions": {}}
    figures.update(pyts_side(figures["versions"]))
    figures.update(polars_side(figures["versions"]))
    try:
        figures.update(hftbacktest_side(figures["versions"]))
    except ImportError:
        pass
    return figures


def fastest(work, clock, runs=RUNS):
    spent = []
    for _ in range(runs):
        began = clock()
        work()
        spent.append(clock() - began)
    return min(spent)


def pyts_side(versions):
    """Both fields of a window, without normalisation: in one batch, and in calls of eight windows."""
    import numpy as np
    import pyts
    from pyts.image import GramianAngularField

    versions["pyts"] = pyts.__version__
    windows = np.random.default_rng(1).uniform(-1.0, 1.0, (BATCH, SIDE))
    fields = [GramianAngularField(image_size=SIDE, sample_range=None, method=m) for m in ("s", "d")]

    def draw(windows):
        for field in fields:
            field.transform(windows)

    def in_eights():
        for at in range(0, 800, 8):
            draw(windows[at : at + 8])

    draw(windows[:8])
    return {
        "gaf_batch": fastest(lambda: draw(windows), time.perf_counter) / BATCH * 1e6,
        "gaf_eights": fastest(in_eights, time.perf_counter) / 800 * 1e6,
    }


def polars_side(versions):
    """Reading the packed orders from memory, on one thread."""
    import io

    import polars

    versions["polars"] = polars.__version__
    packed = ORDERS.read_bytes()
    rows = polars.read_csv(io.BytesIO(packed)).height
    spent = fastest(lambda: polars.read_csv(io.BytesIO(packed)), time.process_time)
    return {"read": spent / rows * 1e6}


def hftbacktest_side(versions):
    """The bundled orders through its L3 book and exchange, looking at the best prices each 250 ms."""
    from importlib.metadata import version

    import hftbacktest as h
    import numpy as np
    from numba import njit

    events = l3_events(h, np)

    def new():
        asset = (
            h.BacktestAsset()
            .data(events)
            .linear_asset(1.0)
            .constant_order_latency(2_000_000, 2_000_000)
            .l3_fifo_queue_model()
            .no_partial_fill_exchange()
            .trading_value_fee_model(0.0001, 0.0001)
            .tick_size(1.0)
            .lot_size(1e-8)
            .roi_lb(0.0)
            .roi_ub(1_000_000.0)
        )
        return h.ROIVectorMarketDepthBacktest([asset])

    @njit
    def run(test):
        samples = 0
        while test.elapse(GRID_NS) == 0:
            depth = test.depth(0)
            if depth.best_bid < depth.best_ask:
                samples += 1
        return samples

    def timed():
        test = new()
        began = time.process_time()
        samples = run(test)
        spent = time.process_time() - began
        test.close()
        return spent, samples

    timed()
    runs = [timed() for _ in range(RUNS)]
    assert min(samples for _, samples in runs) > 5_000, runs
    versions["hftbacktest"] = version("hftbacktest")
    return {"market": min(spent for spent, _ in runs) / len(events) * 1e6}


def l3_events(h, np):
    """The orders as hftbacktest takes them: without rows about orders that it would not know."""
    import csv
    import gzip

    flags = {"created": h.ADD_ORDER_EVENT, "changed": h.MODIFY_ORDER_EVENT, "deleted": h.CANCEL_ORDER_EVENT}
    sides = {"bid": h.BUY_EVENT, "ask": h.SELL_EVENT}
    alive, rows = {}, []
    with gzip.open(ORDERS, "rt") as file:
        for row in csv.DictReader(file):
            id, action = int(row["id"]), row["action"]
            over = action == "deleted" and row["timestamp"] == row["exchange_timestamp"]
            if over or (action == "created") == (id in alive):
                continue
            price = alive.setdefault(id, float(row["price"]))
            if action == "deleted":
                del alive[id]
            flag = flags[action] | sides[row["direction"]] | h.EXCH_EVENT | h.LOCAL_EVENT
            at = int(row["exchange_timestamp"]) * 1_000_000
            rows.append((flag, at, at + 1, price, float(row["volume"]), id, 0, 0.0))
    return np.array(rows, dtype=h.event_dtype)


def tell(ours, peers):
    print("with " + ", ".join(f"{name} {version}" for name, version in peers["versions"].items()) + "\n")
    print(f"{'':<58}{'ours':>9}{'theirs':>9}{'ratio':>8}")
    for name, mine, other in [
        (f"both GAF {SIDE}x{SIDE}, µs a window; pyts, one batch of {BATCH:,}", "gaf", "gaf_batch"),
        (f"both GAF {SIDE}x{SIDE}, µs a window; pyts, calls of eight", "gaf", "gaf_eights"),
        ("orders.csv.gz, CPU µs a row; polars", "read", "read"),
        ("book and exchange, CPU µs a row; hftbacktest", "market", "market"),
    ]:
        if other in peers:
            print(f"{name:<58}{ours[mine]:>9.3f}{peers[other]:>9.3f}{peers[other] / ours[mine]:>7.1f}x")


if __name__ == "__main__":
    session(__doc__, PEERS, theirs, work, OPTIONAL)
