#!/usr/bin/env python
"""What `--compile` costs before it gains, on this machine.

    python scripts/compile_cost.py

The main job and the first training of the recipe `inventor` run for 40 and for 240 steps: as they
are, compiled with nothing compiled before (40 steps), and compiled once more with what PyTorch has
kept of that. Two lengths give the seconds of a step and those of the beginning; together they say
after how many steps compiling has paid back. The result is nbs/results/compile_cost.json.
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import torch

from math_llm.options import InputError
from math_llm.results import write_results

ROOT, SHORT, LONG = Path(__file__).resolve().parent.parent, 40, 240
COMMAND = 'import sys; from math_llm.training import train_command; sys.exit(train_command())'


def jobs(folder):
    "Options of each job; the first training of `inventor` as a file of its own."
    recipe = json.loads((ROOT/'math_llm'/'recipes'/'inventor.json').read_bytes())
    first = recipe | recipe.pop('phases')[0]
    del first['about'], first['max_steps']
    (folder/'inventor.json').write_text(json.dumps(first))
    return {'the main job': [], 'inventor, first training': ['--config', folder/'inventor.json']}


def seconds(options, steps, folder, cache):
    "Seconds of a training of so many steps, without its imports and its test."
    argv = [sys.executable, '-c', COMMAND, *options, '--max-steps', steps, '--output-dir', 'run',
            '--overwrite', '--fresh', '--no-wandb', '--no-progress']
    done = subprocess.run([*map(str, argv)], cwd=folder, capture_output=True, text=True,
                          env=os.environ | dict(TORCHINDUCTOR_CACHE_DIR=str(cache)))
    if done.returncode: raise InputError(done.stderr.strip().splitlines()[-1])
    report = json.loads((folder/'run'/'test_results.json').read_bytes())
    return report['seconds'], report['precision']


def measured(name, options, folder):
    "A row about one job."
    cache, plain, compiled = Path(tempfile.mkdtemp(dir=folder)), {}, {} # a path without blanks
    for n in (SHORT, LONG): plain[n], precision = seconds(options, n, folder, cache)
    cold, _ = seconds([*options, '--compile'], SHORT, folder, cache)
    for n in (SHORT, LONG): compiled[n], _ = seconds([*options, '--compile'], n, folder, cache)
    def step(s): return (s[LONG] - s[SHORT]) / (LONG - SHORT)
    gain = step(plain) - step(compiled)
    start = {k: s - SHORT * step(compiled) - (plain[SHORT] - SHORT * step(plain))
             for k, s in (('first', cold), ('again', compiled[SHORT]))}
    row = dict(what=name, precision=precision, ms_per_step=round(1000 * step(plain), 1),
               compiled_ms_per_step=round(1000 * step(compiled), 1),
               start_first=round(start['first'], 1), start_again=round(start['again'], 1),
               steps_first=None if gain <= 0 else round(start['first'] / gain),
               steps_again=None if gain <= 0 else round(start['again'] / gain))
    print(row, flush=True)
    return row


def main():
    path = ROOT/'nbs'/'results'/'compile_cost.json'
    if path.exists(): raise InputError(f'{path} is there already')
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        rows = [measured(name, options, Path(folder))
                for name, options in jobs(Path(folder)).items()]
    write_results(path, 'What torch.compile costs before it gains',
                  'python scripts/compile_cost.py', [42], time.perf_counter() - began,
                  date=date.today().isoformat(), torch=torch.__version__, runs=rows,
                  note='Steps are those after which compiling has paid back: where nothing was '
                       'compiled before, and where PyTorch has kept it.')
    print(path)


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.parse_args()
    try: main()
    except InputError as e: sys.exit(f'compile_cost.py: {e}')
