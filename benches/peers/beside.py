"""What the scripts here share: an interpreter that has the peers, and what a command prints."""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def session(doc, packages, theirs, work, optional=()):
    """Calls `work` with what asks the peers: `theirs`, in an interpreter that has them; its answer is JSON."""
    arguments = argparse.ArgumentParser(description=doc.splitlines()[0])
    arguments.add_argument("--keep", action="store_true", help="keep the virtual environment")
    arguments.add_argument("--python", help="an interpreter that has the packages already")
    arguments.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = arguments.parse_args()
    if asked.inside:
        print(json.dumps(theirs()))
        return
    folder = tempfile.mkdtemp(prefix="janus-peers-")
    try:
        python = asked.python or install(folder, packages, optional)
        inside = [python, os.path.abspath(sys.argv[0]), "--inside"]
        print(f"load average {' '.join(f'{x:.2f}' for x in os.getloadavg())}", flush=True)
        work(lambda given=None, **variables: json.loads(output(inside, given, **variables).splitlines()[-1]))
    finally:
        if not asked.keep:
            shutil.rmtree(folder, ignore_errors=True)


def install(folder, packages, optional):
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = os.path.join(folder, "bin", "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run(pip + packages, check=True)
    for package in optional:
        if subprocess.run(pip + [package], check=False).returncode:
            print(f"SKIPPED {package}: pip cannot install it here")
    return python


def output(command, given=None, **variables):
    environment = {**os.environ, **variables}
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=True, text=True, input=given, stdout=subprocess.PIPE
    ).stdout
