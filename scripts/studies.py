"""What scripts and studies share: the command of a run, and plans of named runs."""

import dataclasses
import json
import sys
from pathlib import Path

from math_llm.options import InputError
from math_llm.training import TrainingConfig

ROOT = Path(__file__).resolve().parent.parent
RUNS = ROOT / 'runs'
UNSAID = {'overwrite', 'progress', 'wandb', 'num_workers', 'config', 'phases'}
FOLDERS = ('output_dir', 'init_from', 'data_dir')


def flag(name, value):
    "An option as it is typed; a folder by its name alone, a checkpoint with that of its run."
    if isinstance(value, bool):
        return f'--{"" if value else "no-"}{name.replace("_", "-")}'
    if name in FOLDERS:
        path = Path(value)
        value = '/'.join(
            path.parts[-2:] if path.name.startswith('checkpoint-') else path.parts[-1:]
        )
    return f'--{name.replace("_", "-")} {value}'


def command(config):
    "The command that repeats a run. What has no flag stands in a recipe of its own."
    fields = {f.name: f for f in dataclasses.fields(TrainingConfig)}
    given = {
        k: v
        for k, v in config.items()
        if k in fields and k not in UNSAID and v is not None and v != fields[k].default
    }
    if given.get('bf16'):
        given.pop('precision')
    recipe = {k: given.pop(k) for k in [*given] if not fields[k].metadata['flag']}
    before = ['math_llm_train', *[f"--config <(echo '{json.dumps(recipe)}')"] * bool(recipe)]
    return ' '.join([*before, *(flag(k, v) for k, v in given.items())])


def how(folder):
    "The command that repeats the run in a folder."
    return command(json.loads((Path(folder) / 'training_config.json').read_bytes()))


def choose(names, plan, results, run):
    "Carry out the named runs that are not done; without a name, list all runs."
    done = {name: (results / f'{name}.json').exists() for name in plan}
    if not names:
        return print('\n'.join(f'{n:24} {"done" if d else "-"}' for n, d in done.items()))
    if unknown := [n for n in names if n not in plan]:
        sys.exit(f'no such run: {", ".join(unknown)}; without a name, the runs are listed')
    for name in names:
        if done[name]:
            print(f'{results / name}.json is there already')
            continue
        try:
            run(name, results / f'{name}.json')
        except InputError as e:
            sys.exit(f'{name}: {e}')
        print(results / f'{name}.json')
