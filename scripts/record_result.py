#!/usr/bin/env python
"""Turn finished training runs into one file of nbs/results.

    python scripts/record_result.py [--fresh N] [--note TEXT] NAME "Title" RUN [RUN ...]

Each RUN is the folder of a finished run. The command is put together from its
`training_config.json`: every option that differs from its default. A recipe of several trainings is
one run: its command names the recipe, and its minutes, steps and problems are those of all of them.
With --fresh, each model is also asked N different held-out problems, more than its dataset may
hold. --environment "A=1 B=2" says which variables the runs were started with; they stand before
the commands. An existing file is not replaced.
"""

import argparse
import json
import re
import sys
from argparse import RawDescriptionHelpFormatter
from datetime import date
from pathlib import Path

from math_llm.evaluation import evaluate, held_out_problems
from math_llm.files import load_model
from math_llm.options import InputError
from math_llm.results import write_results
from math_llm.settings import TrainingConfig

from studies import ROOT, how


def fresh_report(folder, seed, n):
    "Exact match on `n` different problems that the run has not seen."
    model = load_model(folder)
    problems = held_out_problems(model, n, seed, carry_bias=0.0, repeat_bias=0.0)
    return evaluate(model, problems)['exact_match']


def read(folder, name):
    "What a run has written."
    return json.loads((folder / name).read_bytes())


def trainings(folder):
    "The folders of the trainings of a recipe, the last of which is its own."
    n = len(list(folder.glob('phase-[0-9]*')))
    return [*(folder / f'phase-{i + 1}' for i in range(n)), folder]


def made_by(folder):
    "The command of a run."
    config = read(folder, 'training_config.json')
    if len(trainings(folder)) == 1:
        return how(folder)
    seed = f' --seed {config["seed"]}' * (config['seed'] != TrainingConfig.seed)
    return f'math_llm_train --config {config["config"]} --output-dir {folder.name}{seed}'


def losses(folder):
    "Step and mean loss of every log line. Of steps that a run repeated, the last counts."
    log = (folder / 'logs' / 'training.log').read_text(encoding='utf-8')
    found = re.findall(r' step ([\d,]+)/[\d,]+  loss ([\d.]+)', log)
    return {int(step.replace(',', '')): float(loss) for step, loss in found}


def summary(folder, fresh):
    "A run in one row."
    reports = {part: read(part, 'test_results.json') for part in trainings(folder)}
    seed, last = read(folder, 'training_config.json')['seed'], reports[folder]
    peaks = [r['peak_memory_mb'] for r in reports.values() if r['peak_memory_mb']]
    row = dict(run=folder.name, seed=seed, minutes=0.0, steps=0, problems_seen=0)
    row |= dict(peak_memory_mb=max(peaks, default=None))
    row |= {k: last[k] for k in ('precision', 'exact_match')}
    row |= dict(valid_chains=last['chain_validity'], losses=[], curve=[])
    for part, report in reports.items():
        row['losses'] += [[row['steps'] + i, x] for i, x in sorted(losses(part).items())]
        row['curve'] += [[row['steps'] + m['step'], m['exact_match']] for m in report['validation']]
        row['minutes'] += report['seconds'] / 60
        for k in ('steps', 'problems_seen'):
            row[k] += report[k]
    return row | dict(fresh_exact_match=fresh_report(folder, seed, fresh)) if fresh else row


def main(name, title, folders, fresh=0, environment='', note=''):
    "Write nbs/results/NAME.json."
    path = ROOT / 'nbs' / 'results' / f'{name}.json'
    if Path(name).name != name:
        raise InputError(f'NAME is that of a file of nbs/results, without .json, not {name}')
    if path.exists():
        raise InputError(f'{path} is there already')
    for folder in folders:
        if not (folder / 'logs' / 'training.log').exists() or not (
            folder / 'test_results.json'
        ).exists():
            raise InputError(f'{folder} is not the folder of a finished run')
    runs = [summary(folder, fresh) for folder in folders]
    ended = max((folder / 'test_results.json').stat().st_mtime for folder in folders)
    write_results(
        path,
        title,
        [f'{environment} {made_by(folder)}'.strip() for folder in folders],
        sorted({r['seed'] for r in runs}),
        60 * sum(r['minutes'] for r in runs),
        date=date.fromtimestamp(ended).isoformat(),
        **({'note': note} if note else {}),
        runs=runs,
    )
    print(f'nbs/results/{name}.json')


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__, formatter_class=RawDescriptionHelpFormatter)
    p.add_argument('name')
    p.add_argument('title')
    p.add_argument('folders', nargs='+', type=Path, metavar='RUN')
    p.add_argument('--fresh', type=int, default=0, metavar='N')
    p.add_argument('--environment', default='', metavar='"A=1 B=2"')
    p.add_argument('--note', default='', metavar='TEXT')
    try:
        main(**vars(p.parse_args()))
    except (InputError, OSError, ValueError) as e:
        sys.exit(f'{Path(__file__).name}: {e}')
