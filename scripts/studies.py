"""What the scripts behind the studies share: runs by name, each with a results file of its own, made once."""
import json
import sys
from pathlib import Path

import torch
import math_llm
from math_llm.options import atomic_write

from record_result import command, machine

ROOT = Path(__file__).parent.parent
RUNS = ROOT/'runs'


def how(folder):
    "The command that repeats the run in a folder."
    return command(json.loads((Path(folder)/'training_config.json').read_text()))


def write_result(path, title, command, seeds, seconds, **figures):
    "A results file: where its figures come from, then the figures."
    origin = dict(title=title, command=command, seeds=seeds, package_version=math_llm.__version__,
                  machine=f'{torch.get_num_threads()} thread(s) of {machine()}', seconds=seconds)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, (json.dumps(origin | figures, indent=1) + '\n').encode())
    print(path)


def choose(names, plan, results, run, doc):
    "Carry out the named runs that are not done; without a name, say what there is to run, and what is done."
    if not names:
        for name in plan: print(f'{name:24}', 'done' if (results/f'{name}.json').exists() else '-')
    elif unknown := [n for n in names if n not in plan]: sys.exit(f'no such run: {", ".join(unknown)}\n{doc}')
    for name in names:
        if (path := results/f'{name}.json').exists(): print(f'{path} is there already')
        else: run(name, path)
