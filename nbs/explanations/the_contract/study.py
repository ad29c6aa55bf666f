#!/usr/bin/env python
"""The measurements behind the page "The causal contract": `contract` of models beside each other.

    python nbs/explanations/the_contract/study.py  what there is to measure, and what is done
    python nbs/explanations/the_contract/study.py NAME [NAME ...]     measure these

Shipped models are measured as they ship. Others lie in runs/ (which git ignores): those of TRAINED,
with the seed behind their name, as the command in their results file trains them; first_pairs is
the first model of the name invented_pairs, from the history of this repository. A name that ends in
-untrained is the same model with fresh random weights. results/NAME.json appears beside this file
and is not made again.
"""

import json
import sys
import time
from pathlib import Path

import torch
from math_llm.contract import contract
from math_llm.files import load_model
from math_llm.results import write_results
from math_llm.tracing import untrained

sys.path.append(str(Path(__file__).resolve().parents[3] / 'scripts'))
from studies import RUNS, choose

RESULTS = Path(__file__).parent / 'results'
SEED = 2611
SHARED = (
    'math_llm_train --max-digits 8 --max-operands 2 --zero-pad --carry-bias 0.7 '
    '--model-size xsmall --position learned --prompt-loss-weight 0.0 --batch-size 128 '
    '--precision bf16'
)
TRAINED = {
    'running': f'{SHARED} --compile --chain running --max-steps 1500',
    'noop': f'{SHARED} --compile --chain noop --thought-tokens 16 --max-steps 2000',
    'none': f'{SHARED} --chain none --max-steps 2000',
    'inventor': 'math_llm_train --config inventor --compile',
    'all-seen': 'math_llm_train --compile '
    '--config nbs/explanations/what_it_invented/all_seen.json',
}
# How many problems; a seed of its own for each model that was trained for this page
PLAN = {
    'invented_pairs': 1000,
    'first_pairs': 1000,
    'invented': 1000,
    'ball': 1000,
    'taught': 100,
    'invented_pairs-untrained': 200,
    'ball-untrained': 200,
    **{f'{kind}-{seed}': 1000 for kind in TRAINED for seed in (1, 2, 3)},
}

# The rows of the page, each with its runs: several where only the seed differs
ROWS = {
    'taught': ['taught'],
    'running': ['running-1', 'running-2', 'running-3'],
    'invented_pairs': ['invented_pairs'],
    'inventor': ['inventor-1', 'inventor-2', 'inventor-3'],
    'all seen': ['all-seen-1', 'all-seen-2', 'all-seen-3'],
    'invented': ['invented'],
    'ball': ['ball'],
    'predecessor': ['first_pairs'],
    'noop': ['noop-1', 'noop-2', 'noop-3'],
    'no chain': ['none-1', 'none-2', 'none-3'],
    'untrained': ['invented_pairs-untrained'],
    'untrained ball': ['ball-untrained'],
}


def reports():
    "The reports that there are, by rows of the page."
    found = {p.stem: json.loads(p.read_bytes())['contract'] for p in RESULTS.glob('*.json')}
    rows = {row: [found[name] for name in names if name in found] for row, names in ROWS.items()}
    return {row: some for row, some in rows.items() if some}


def lowest(some):
    "Reports of several seeds as one: the lowest score of each test; does the contract hold in all?"

    def score(row):
        return -1 if row['score'] is None else row['score']

    rows = [min(rows, key=score) for rows in zip(*(r['rows'] for r in some))]
    return some[0] | dict(rows=rows, contract=all(r['contract'] for r in some))


def together():
    "A report for each row of the page, with the number of its seeds."
    return {
        row + (f' ({len(some)} seeds)' if len(some) > 1 else ''): lowest(some)
        for row, some in reports().items()
    }


def run(name, path):
    "Measure one model and write its file."
    torch.set_num_threads(1)
    began, model = time.perf_counter(), name.removesuffix('-untrained')
    m = load_model(RUNS / model if (RUNS / model).exists() else model)
    if name != model:
        m = untrained(m)
    report = contract(m, n=PLAN[name], seed=SEED)
    command, seeds = [f'python nbs/explanations/the_contract/study.py {name}'], [SEED]
    kind, _, seed = name.rpartition('-')
    trained = kind in TRAINED
    if trained:
        command.insert(0, f'{TRAINED[kind]} --seed {seed} --output-dir runs/{name}')
        seeds.insert(0, int(seed))
    write_results(
        path,
        name,
        command,
        seeds,
        time.perf_counter() - began,
        condition=kind if trained else name,
        contract=report,
    )


if __name__ == '__main__':
    choose(sys.argv[1:], PLAN, RESULTS, run)
