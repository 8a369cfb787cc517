"""Compares what a run printed with the counts that are checked in: expected.py EXPECTED GOT."""

import json
import sys

expected, got = (json.load(open(path)) for path in sys.argv[1:3])
wrong = [(key, want, got.get(key)) for key, want in expected.items() if got.get(key) != want]
for key, want, have in wrong:
    print(f"{key}: expected {want}, got {have}")
print(f"{len(expected) - len(wrong)} passed, {len(wrong)} failed")
sys.exit(1 if wrong else 0)
