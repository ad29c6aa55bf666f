#!/usr/bin/env python
"""Measure a finished run on problems that nothing else has used, and write it as a model to ship.

    python scripts/ship_model.py FOLDER SEED RUN [RUN ...]

The last RUN is the model; those before it are the runs that it began with, or the folder of a
shipped model that it began with. FOLDER gets `model.safetensors` in 16 bits with `config.json`,
`training_config.json` with all runs and their commands, and `test_results.json`: 100,000 uniform
problems drawn with SEED and 100,000 carry-biased ones with SEED+1, answered by the 16-bit weights,
and on how many of 10,000 problems these write the same text as the 32-bit ones. A card has to be
written by hand. Nothing is overwritten.
"""
import argparse
import json
import sys
from pathlib import Path

import torch
from math_llm.decoding import generate
from math_llm.evaluation import evaluate, held_out_problems, share
from math_llm.faithfulness import faithfulness
from math_llm.files import problem_config
from math_llm.chains import render
from math_llm.files import load_model, save_model
from math_llm.options import InputError
from math_llm.results import write_json

from studies import command

N, N_DISTURBED, N_COMPARED = 100_000, 5_000, 10_000


def draw(model, n, seed, bias):
    "Test problems of the model's run."
    biases = dict(carry_bias=bias, repeat_bias=0.)
    return held_out_problems(model, n, seed, **biases), problem_config(model.meta, **biases)


def history(runs):
    "Commands and configurations of all runs; a shipped model brings those of its own."
    whole = dict(commands=[], phases=[])
    for config in (json.loads((run/'training_config.json').read_bytes()) for run in runs):
        if 'commands' in config: whole |= config | {k: whole[k] + config[k]
                                                    for k in ('commands', 'phases')}
        else:
            whole['commands'].append(command(config))
            whole['phases'].append(config)
    return whole


def main(folder, seed, *runs):
    "Write the folder."
    folder, seed, runs = Path(folder), int(seed), list(map(Path, runs))
    if folder.exists(): sys.exit(f'{folder} is there already')
    # first, for what can be wrong with it
    made = history(runs)
    full = load_model(runs[-1]).eval()
    # what is asked of it when nothing else is said
    full.meta.trained_on |= dict(carry_bias=0., repeat_bias=0., full_size=0.)
    save_model(full, folder, torch.bfloat16)
    model = load_model(folder).eval()
    problems, config = draw(model, N_COMPARED, seed + 2, 0.5)
    prompts = render(problems, config).prompts()
    same = sum(a == b for a, b in zip(*(generate(m, prompts).texts() for m in (model, full))))
    results = dict(same_answers_in_16_and_32_bits=share(same, N_COMPARED))
    for kind, bias in (('uniform', 0.), ('carry_biased', 1.)):
        problems, _ = draw(model, N, seed, bias)
        told = faithfulness(model, problems[:N_DISTURBED], seed=seed)
        results[kind] = dict(seed=seed) | evaluate(model, problems, 512) | dict(faithfulness=told)
        print(kind, results[kind]['exact_match'])
        seed += 1
    for name, what in (('test_results', results), ('training_config', made)):
        write_json(folder/f'{name}.json', what)


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('folder', metavar='FOLDER')
    p.add_argument('seed', metavar='SEED')
    p.add_argument('run', metavar='RUN', nargs='+')
    o = p.parse_args()
    if not o.seed.isdigit(): p.error(f'SEED is a whole number, not {o.seed}')
    try: main(o.folder, o.seed, *o.run)
    except (InputError, OSError, ValueError) as e: sys.exit(f'{Path(__file__).name}: {e}')
