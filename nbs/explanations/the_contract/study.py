#!/usr/bin/env python
"""The measurements behind the page "The causal contract": `contract` of models beside each other.

    python nbs/explanations/the_contract/study.py  what there is to measure, and what is done
    python nbs/explanations/the_contract/study.py NAME [NAME ...]     measure these

Shipped models are measured as they ship. Others lie in runs/ (which git ignores):
runs/first_pairs holds the first model of the name invented_pairs, from the history of this
repository. A name that ends in
-untrained is the same model with fresh random weights. results/NAME.json appears beside this file
and is not made again.
"""

import sys
import time
from pathlib import Path

import torch
from math_llm.contract import Task, contract
from math_llm.files import load_model
from math_llm.results import write_results
from math_llm.tracing import untrained

sys.path.append(str(Path(__file__).resolve().parents[3] / 'scripts'))
from studies import RUNS, choose

RESULTS = Path(__file__).parent / 'results'
SEED = 2611
# name: model, kind of problems, how many
PLAN = {
    'invented_pairs': ('invented_pairs', 'sums', 1000),
    'first_pairs': ('first_pairs', 'sums', 1000),
    'invented': ('invented', 'sums', 1000),
    'ball': ('ball', 'balls', 1000),
    'taught': ('taught', 'sums', 100),
    'invented_pairs-untrained': ('invented_pairs', 'sums', 200),
    'ball-untrained': ('ball', 'balls', 200),
}


def run(name, path):
    "Measure one model and write its file."
    model, kind, n = PLAN[name]
    torch.set_num_threads(1)
    began, m = time.perf_counter(), load_model(RUNS / model if (RUNS / model).exists() else model)
    if name.endswith('-untrained'):
        m = untrained(m)
    task = Task.sums(m, n, SEED) if kind == 'sums' else Task.balls(m, n, SEED)
    report = contract(m, task, seed=SEED)
    command = f'python nbs/explanations/the_contract/study.py {name}'
    seconds = time.perf_counter() - began
    write_results(path, name, command, [SEED], seconds, condition=kind, contract=report)


if __name__ == '__main__':
    choose(sys.argv[1:], PLAN, RESULTS, run, __doc__)
