#!/usr/bin/env python
"""Turn finished training runs into one file of nbs/results.

    python scripts/record_result.py [--fresh N] NAME "Title" RUN [RUN ...]

Each RUN is the folder of a finished run. The command is put together from its `training_config.json`: every option that
differs from its default. With --fresh, each model is also asked N different held-out problems, more than its dataset may hold.
An existing file is not replaced.
"""
import dataclasses
import json
import os
import platform
import re
import sys
from pathlib import Path

import math_llm
from math_llm.options import atomic_write
from math_llm.options import InputError
from math_llm.training import TrainingConfig

UNSAID = {'overwrite', 'progress', 'wandb', 'num_workers', 'config', 'phases'}


def flag(name, value):
    "An option as it is typed."
    dashed = name.replace('_', '-')
    if isinstance(value, bool): return f'--{dashed}' if value else f'--no-{dashed}'
    return f'--{dashed} {value}'


def place(path):
    "A run's folder by its name alone; a checkpoint with that of its run."
    path = Path(path)
    return f'{path.parent.name}/{path.name}' if path.name.startswith('checkpoint-') else path.name


def command(config):
    "The command that repeats a run."
    fields = {f.name: f for f in dataclasses.fields(TrainingConfig)}
    given = {k: v for k, v in config.items() if k in fields and k not in UNSAID and v is not None and v != fields[k].default}
    if given.get('bf16'): given.pop('precision')
    recipe = {k: given.pop(k) for k in [*given] if not fields[k].metadata['flag']}           # what has no flag, in a file of its own
    before = ['math_llm_train', *[f"--config <(echo '{json.dumps(recipe)}')"] * bool(recipe)]
    return ' '.join([*before, *(flag(k, place(v) if k in ('output_dir', 'init_from', 'data_dir') else v) for k, v in given.items())])


def machine():
    "Where this runs, in plain words."
    import torch
    if torch.cuda.is_available(): return f'one {torch.cuda.get_device_name()}'
    return f'{os.cpu_count()} CPU cores ({platform.machine()})'


def fresh_report(folder, seed, n):
    "Exact match on `n` different problems that the run has not seen."
    from math_llm.problems import held_out
    from math_llm.evaluation import evaluate, partition_of
    from math_llm.files import problem_config
    from math_llm.files import load_model
    model = load_model(folder)
    problems = held_out(problem_config(model.meta, carry_bias=0., repeat_bias=0.), n, seed, **partition_of(model.meta))
    return evaluate(model, problems)['exact_match']


def losses(folder):
    "Step and mean loss of every log line. A run that was stopped and went on has repeated some: the last counts."
    found = re.findall(r' step ([\d,]+)/[\d,]+  loss ([\d.]+)', (folder/'logs'/'training.log').read_text())
    return sorted({int(step.replace(',', '')): float(loss) for step, loss in found}.items())


def main(name, title, *folders, fresh=0):
    "Write nbs/results/NAME.json."
    path = Path(__file__).parent.parent/'nbs'/'results'/f'{name}.json'
    if path.exists(): sys.exit(f'{path} is there already')
    runs, commands, seeds, seconds = [], [], [], 0
    for folder in map(Path, folders):
        config, report = (json.loads((folder/f).read_text()) for f in ('training_config.json', 'test_results.json'))
        commands.append(command(config))
        seeds.append(config['seed'])
        seconds += report['seconds']
        runs.append(dict(run=folder.name, seed=config['seed'], steps=report['steps'], problems_seen=report['problems_seen'], minutes=report['seconds'] / 60,
                         precision=report['precision'], exact_match=report['exact_match'], valid_chains=report['chain_validity'],
                         peak_memory_mb=report['peak_memory_mb'], curve=[[m['step'], m['exact_match']] for m in report['validation']],
                         losses=losses(folder)))
        if fresh: runs[-1]['fresh_exact_match'] = fresh_report(folder, config['seed'], fresh)
    result = dict(title=title, command=commands, seeds=sorted(set(seeds)), package_version=math_llm.__version__, machine=machine(), seconds=seconds, runs=runs)
    atomic_write(path, (json.dumps(result, indent=1) + '\n').encode())
    print(path)


if __name__ == '__main__':
    args, fresh = sys.argv[1:], 0
    if args[:1] == ['--fresh'] and args[1:2] and args[1].isdigit(): fresh, args = int(args[1]), args[2:]
    if len(args) < 3 or args[0].startswith('--'): sys.exit(__doc__)
    try: main(*args, fresh=fresh)
    except (InputError, OSError, ValueError) as e: sys.exit(f'{Path(__file__).name}: {e}')
