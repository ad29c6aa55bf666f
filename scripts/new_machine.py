#!/usr/bin/env python
"""What the README's first command takes on a new machine: time, memory and disk.

    python scripts/new_machine.py [--output FILE] [--train OPTIONS] [--cpu-only]

The project is copied to a new folder, and the README's first command runs there, letter for letter,
in an environment that it makes itself. Then the model is asked 10,000 new problems. A second copy
gets PyTorch's build for CPUs (from an index that pip has to know: PyPI's build is for GPUs), and
the package with its tools for developers, only to see how much disk this takes. The figures become
nbs/results/new_machine.json. With --cpu-only the first copy gets PyTorch's build for CPUs
beforehand, and --train adds options to `math_llm_train`: with both, a short trial.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from math_llm.options import InputError
from math_llm.results import write_results

from make_readme import commands
from record_result import fresh_report
from studies import ROOT

CPU_TORCH = 'torch==2.13.0'
VENV = 'python3 -m venv .venv && . .venv/bin/activate'


def copy(folder):
    "What git has of the project, in a new folder."
    files = subprocess.run(
        ['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True, encoding='utf-8', check=True
    )
    for name in filter(None, files.stdout.split('\0')):
        if not (ROOT / name).is_file():
            continue
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def shell(command, folder):
    "Run a command in a folder; how many seconds it took."
    began = time.perf_counter()
    clean = {k: v for k, v in os.environ.items() if k not in ('PYTHONPATH', 'VIRTUAL_ENV')}
    subprocess.run(['bash', '-c', f'set -e; {command}'], cwd=folder, env=clean, check=True)
    return time.perf_counter() - began


def environment(folder):
    "Megabytes and PyTorch's version of the environment in a folder."
    disk = subprocess.run(
        ['du', '-sm', '.venv'], cwd=folder, capture_output=True, text=True, check=True
    )
    torch = ['.venv/bin/python', '-c', 'import torch; print(torch.__version__)']
    version = subprocess.run(torch, cwd=folder, capture_output=True, text=True, check=True).stdout
    return int(disk.stdout.split()[0]), version.strip()


def main(output, train, cpu_only):
    if output.exists():
        raise InputError(f'{output} is there already; give another --output')
    first, second = commands((ROOT / 'README.md').read_text(encoding='utf-8'))[:2]
    first += f' {train}' * bool(train)
    second = re.sub(r' && nbdev_test$', '', second)
    before = f'{VENV} && pip install -q {CPU_TORCH}'
    with tempfile.TemporaryDirectory() as folder:
        user, developer = (copy(Path(folder) / name) for name in ('user', 'developer'))
        if cpu_only:
            shell(before, user)
        seconds = shell(first, user)
        disk, torch = environment(user)
        report = json.loads((user / 'checkpoints' / 'test_results.json').read_bytes())
        seed = json.loads((user / 'checkpoints' / 'training_config.json').read_bytes())['seed']
        fresh = fresh_report(user / 'checkpoints', seed, 10_000)
        if not cpu_only:
            shell(f'{before} && {second}', developer)
        disk_cpu, torch_cpu = environment(user if cpu_only else developer)
    command = ['python scripts/new_machine.py', first, f'{before} && {second}']
    facts = {k: report[k] for k in ('precision', 'steps', 'peak_memory_mb', 'exact_match')}
    write_results(
        output,
        "The README's first command on a new machine",
        command,
        [seed],
        seconds,
        **facts,
        fresh_exact_match=fresh,
        disk_mb=disk,
        torch=torch,
        disk_cpu_mb=disk_cpu,
        torch_cpu=torch_cpu,
    )
    print(output)


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description="What the README's first command takes.")
    parser.add_argument(
        '--output', type=Path, default=ROOT / 'nbs' / 'results' / 'new_machine.json'
    )
    parser.add_argument('--train', default='', help='more options for math_llm_train')
    parser.add_argument('--cpu-only', action='store_true', help="PyTorch's build for CPUs alone")
    args = parser.parse_args()
    try:
        main(args.output, args.train, args.cpu_only)
    except (InputError, subprocess.CalledProcessError) as e:
        sys.exit(f'new_machine.py: {e}')
