"""Compares what a run printed with the counts that are checked in: expected.py EXPECTED GOT.

With --write before them, it takes the run's values for the keys that EXPECTED has.
"""

import json
import sys

write = sys.argv[1] == "--write"
paths = sys.argv[2:4] if write else sys.argv[1:3]
expected, got = (json.load(open(path)) for path in paths)
if write:
    with open(paths[0], "w") as file:
        json.dump({key: got[key] for key in expected}, file, indent=2)
        file.write("\n")
    sys.exit()
wrong = [(key, want, got.get(key)) for key, want in expected.items() if got.get(key) != want]
for key, want, have in wrong:
    print(f"{key}: expected {want}, got {have}")
print(f"{len(expected) - len(wrong)} passed, {len(wrong)} failed")
sys.exit(1 if wrong else 0)
