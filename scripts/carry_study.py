#!/usr/bin/env python
"""The models behind the last part of the page "How a taught model carries".

    python scripts/carry_study.py                     what there is to ask, and what is done
    python scripts/carry_study.py NAME [NAME ...]     train these models, or what is left of it, and ask each the same questions
    python scripts/carry_study.py --ask NAME FOLDER   ask a model that is trained already: a folder, or a shipped model

A model trains into runs/ (which git ignores) and can be stopped and started again; when it has been asked,
nbs/results/carrying/NAME.json appears, and is not made again.
"""
import json
import sys
import time
from pathlib import Path

import torch
import math_llm
from math_llm.cli import write_whole
from math_llm.data import add
from math_llm.decoding import generate
from math_llm.evaluation import evaluate, fresh_problems, problem_config, share
from math_llm.interpretability import carry_facts, read_layout, written
from math_llm.model import load_model
from math_llm.tokenizer import decode, encode_batch
from math_llm.training import TrainingConfig, train

from record_result import command, machine

ROOT = Path(__file__).parent.parent
RESULTS, RUNS = ROOT/'nbs'/'results'/'carrying', ROOT/'runs'

TINY = dict(model_size='xsmall', max_operands=2, optimizer='adamw', batch_size=64, max_steps=900, prompt_loss_weight=0., eval_steps=900, test_examples=500)
KINDS = {'one-layer': dict(TINY, zero_pad=True, position='learned', learning_rate=5e-3),
         'two-layers': dict(TINY, n_layers=2, learning_rate=3e-3),
         'small': dict()}                                                               # the main job as it is
SEEDS = {'one-layer': (1, 2, 3), 'two-layers': (1, 2), 'small': (42, 43, 44)}
N_PROBLEMS, N_ASKED = 1000, 600


def plan():
    "Names of all models."
    return [f'{kind}-{seed}' for kind, seeds in SEEDS.items() for seed in seeds]


def config(name):
    "The training configuration of a model."
    kind, seed = name.rsplit('-', 1)
    return TrainingConfig(**KINDS[kind], seed=int(seed), wandb=False, output_dir=str(RUNS/name))


def replace_tens(model, problems, digit):
    "What is written where a carry of 1 into column 1 is due, when the tens digit of the sum before is replaced: shares of `+1`, `+` that digit, and no carry."
    problems = problems[(problems.width > 1) & (add(problems.digits)[1][:, 1] == 1)]
    texts = written(model, problems)
    layout = read_layout(*encode_batch(texts), model.meta.chain)
    due = (layout.writes.where('carry plus') & (layout.writes.column == 1)).argmax(1) + 1
    tokens = encode_batch(texts)[0].tolist()
    for row, at in zip(tokens, layout.place('tens', column=0)): row[at] = digit
    said = generate(model, [decode(row[:n]) for row, n in zip(tokens, due)], max_new_tokens=2).texts()
    return {name: share(sum(t.startswith(start) for t in said), len(said)) for name, start in (('as_before', '+1'), ('as_replaced', f'+{digit}'), ('none', '='))}


def ask(name, folder, how, seeds):
    "Ask a model everything, and write the results file."
    path = RESULTS/f'{name}.json'
    if path.exists(): print(f'{path} is there already'); return
    began, model = time.perf_counter(), load_model(folder)
    known = model.meta.trained_on
    problems = fresh_problems(problem_config(model.meta), N_PROBLEMS, seed=1000, partition=known.get('seed', 42))
    report = evaluate(model, problems)
    facts = carry_facts(model, N_ASKED, seed=1001, max_digits=3)
    replaced = {str(d): replace_tens(model, problems, d) for d in (0, 2)}
    result = dict(title=name, command=how, seeds=seeds, package_version=math_llm.__version__, machine=f'{torch.get_num_threads()} thread(s) of ' + machine(),
                  layers=model.config.n_layers, width=model.config.d_model, parameters=model.n_params(), max_digits=known['max_digits'],
                  exact_match=report['exact_match'], facts=facts, tens_replaced=replaced, seconds=round(time.perf_counter() - began, 1))
    RESULTS.mkdir(parents=True, exist_ok=True)
    write_whole(path, (json.dumps(result, indent=1) + '\n').encode())
    print(path)


def run(name):
    "Train a model and ask it."
    if (RESULTS/f'{name}.json').exists(): print(f'{name} is done already'); return
    cfg = config(name)
    train(cfg)
    ask(name, cfg.output_dir, command(json.loads((RUNS/name/'training_config.json').read_text())), [cfg.seed])


if __name__ == '__main__':
    if not sys.argv[1:]:
        for name in plan(): print(f'{name:24}', 'done' if (RESULTS/f'{name}.json').exists() else '-')
    elif sys.argv[1] == '--ask' and len(sys.argv) == 4:
        name, folder = sys.argv[2:]
        made = Path(folder)/'training_config.json'
        trained = [command(json.loads(made.read_text()))] if made.exists() else []
        ask(name, folder, [*trained, f'python scripts/carry_study.py --ask {name} {Path(folder).name}'], [load_model(folder).meta.trained_on.get('seed', 42)])
    elif unknown := set(sys.argv[1:]) - set(plan()): sys.exit(f'no such model: {", ".join(sorted(unknown))}\n{__doc__}')
    else:
        for name in sys.argv[1:]: run(name)
