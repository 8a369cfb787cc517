#!/usr/bin/env python3
"""Runs the rule language beside LTNtorch: every operator on random truths, and how long a decision takes.

    python3 benches/peers/logic.py [--keep] [--python PATH]

Needs cargo, Python 3.9 or later, and a package index that pip can reach. LTNtorch and torch go into a
virtual environment in a temporary folder, which is removed afterwards unless `--keep` is given; `--python`
names an interpreter that has both already. The same formulas are judged by both sides. LTNtorch computes
in single precision, so values must agree to 1e-6; of each side the fastest of several runs counts.
"""

import json
import random
import sys
import time

from beside import output, session

PACKAGES = ["LTNtorch==1.0.2", "torch", "numpy"]
TOLERANCE = 1e-6
WORLDS = 200
ORDERS = 5
RUNS = 9
GOAL = 100.0

# each a formula of our language, and the same of LTNtorch with connectives c and predicates a, b, d
FORMULAS = [
    ("a(o)", "a(x)"),
    ("not a(o)", "c.Not(a(x))"),
    ("a(o) and b(o)", "c.And(a(x), b(x))"),
    ("a(o) or b(o)", "c.Or(a(x), b(x))"),
    ("a(o) => b(o)", "c.Implies(a(x), b(x))"),
    ("not (a(o) and b(o)) or d(o)", "c.Or(c.Not(c.And(a(x), b(x))), d(x))"),
    ("a(o) and b(o) => d(o)", "c.Implies(c.And(a(x), b(x)), d(x))"),
    ("a(o) => b(o) or not d(o)", "c.Implies(a(x), c.Or(b(x), c.Not(d(x))))"),
    ("(a(o) => b(o)) and (b(o) => d(o))", "c.And(c.Implies(a(x), b(x)), c.Implies(b(x), d(x)))"),
    ("a(o) and not b(o) or not a(o) and b(o)", "c.Or(c.And(a(x), c.Not(b(x))), c.And(c.Not(a(x)), b(x)))"),
]
EXPONENTS = [1, 2, 6]


def work(peers):
    worlds = drawn()
    tell(worlds, peers(json.dumps(worlds)))


def drawn():
    """Truths of three predicates of each order of each world; corners are among them."""
    chance = random.Random(1)
    truth = lambda: chance.choice([0.0, 1.0]) if chance.random() < 0.1 else chance.random()
    return [[[truth() for _ in range(3)] for _ in range(ORDERS)] for _ in range(WORLDS)]


def rules_file(p):
    rules = [f"aggregation p = {p}", "learned a", "learned b", "learned d"]
    for at, (formula, _) in enumerate(FORMULAS):
        rules.append(f"soft rule all_{at}: forall o in orders: {formula}")
        rules.append(f"soft rule some_{at}: exists o in orders: {formula}")
    return "\\n".join(rules)


def ours(worlds, p, timed=None):
    lines = [";".join(" ".join(map(repr, order)) for order in world) for world in worlds]
    command = ["cargo", "run", "--quiet", "--release", "-p", "rules", "--example", "judge"]
    more = ["--", "--time", str(timed)] if timed else []
    text = output(command + more, "\n".join([rules_file(p)] + lines) + "\n")
    if timed:
        return float(text)
    return [list(map(float, line.split())) for line in text.splitlines()]


def theirs(worlds):
    """The truths of every formula in every world, product and Łukasiewicz in turn, and ns a world."""
    import ltn
    import torch

    torch.set_num_threads(1)
    ops = ltn.fuzzy_ops

    class Logic:
        def __init__(self, negation, conjunction, disjunction, implication, every, some):
            self.Not = ltn.Connective(negation)
            self.And = ltn.Connective(conjunction)
            self.Or = ltn.Connective(disjunction)
            self.Implies = ltn.Connective(implication)
            self.Every = ltn.Quantifier(every, quantifier="f")
            self.Some = ltn.Quantifier(some, quantifier="e")

    def product(p):
        return Logic(
            ops.NotStandard(),
            ops.AndProd(stable=True),
            ops.OrProbSum(stable=True),
            ops.ImpliesReichenbach(stable=True),
            ops.AggregPMeanError(p=p, stable=True),
            ops.AggregPMean(p=p, stable=True),
        )

    class AggregMax(ops.AggregationOperator):
        """LTNtorch has no largest; its least of what is not so is the same."""

        def __call__(self, xs, dim=None, keepdim=False, mask=None):
            return 1.0 - ops.AggregMin()(1.0 - xs, dim=dim, keepdim=keepdim, mask=mask)

    lukasiewicz = Logic(
        ops.NotStandard(), ops.AndLuk(), ops.OrLuk(), ops.ImpliesLuk(), ops.AggregMin(), AggregMax()
    )
    columns = [ltn.Predicate(func=lambda x, at=at: x[:, at]) for at in range(3)]
    a, b, d = columns
    compiled = [compile(text, text, "eval") for _, text in FORMULAS]

    def judge(world, logics):
        x = ltn.Variable("x", torch.tensor(world))
        truths = []
        for code in compiled:
            for quantifier in ("Every", "Some"):
                for c in logics:
                    body = eval(code, {"a": a, "b": b, "d": d, "c": c, "x": x})
                    truths.append(float(getattr(c, quantifier)(x, body).value))
        return truths

    values = {p: [judge(world, (product(p), lukasiewicz)) for world in worlds] for p in EXPONENTS}
    logics = (product(2), lukasiewicz)
    some = worlds[:20]
    spent = []
    for _ in range(RUNS):
        began = time.perf_counter_ns()
        for world in some:
            judge(world, logics)
        spent.append((time.perf_counter_ns() - began) / len(some))
    from importlib.metadata import version

    versions = {name: version(name) for name in ("LTNtorch", "torch")}
    return {"values": values, "ns": min(spent), "versions": versions}


def tell(worlds, peer):
    print("with " + ", ".join(f"{name} {version}" for name, version in peer["versions"].items()) + "\n")
    farthest = 0.0
    for p in EXPONENTS:
        mine, other = ours(worlds, p), peer["values"][str(p)]
        apart = max(abs(m - o) for row, theirs in zip(mine, other) for m, o in zip(row, theirs))
        count = sum(len(row) for row in mine)
        assert count == sum(len(row) for row in other), "not the same formulas"
        print(f"p = {p}: {count:,} truths, at most {apart:.1e} apart")
        farthest = max(farthest, apart)
    mine = ours(worlds, 2, timed=50)
    ratio = peer["ns"] / mine
    rules = 2 * len(FORMULAS)
    print(f"\n{rules} rules over {ORDERS} orders, µs a decision")
    print(f"  ours, crisp and both soft    {mine / 1e3:>10.2f}")
    print(f"  LTNtorch, both soft          {peer['ns'] / 1e3:>10.2f}")
    print(f"  ratio                        {ratio:>9.0f}x")
    if farthest > TOLERANCE or ratio < GOAL:
        sys.exit(f"wanted: at most {TOLERANCE:.0e} apart, and a ratio of at least {GOAL:.0f}")


if __name__ == "__main__":
    session(__doc__, PACKAGES, lambda: theirs(json.load(sys.stdin)), work)
