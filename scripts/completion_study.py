#!/usr/bin/env python
"""What the completion objective reaches, beside teacher forcing: drawn in the notebook on Gumbel-Softmax.

    python scripts/completion_study.py                     what there is to run, and what is done
    python scripts/completion_study.py RUN [RUN ...]       carry these out, or what is left of them

A run is named digits-objective-seed, such as 2-completion-1. It trains into runs/ (which git ignores) and can be stopped and
started again; when it ends, nbs/results/completion/RUN.json appears, and is not made again.
"""
import json
import sys
from pathlib import Path

import torch
import math_llm
from math_llm.cli import write_whole
from math_llm.evaluation import evaluate, fresh_problems, problem_config
from math_llm.model import load_model
from math_llm.training import TrainingConfig, train

from record_result import command, machine

ROOT = Path(__file__).parent.parent
RESULTS, RUNS = ROOT/'nbs'/'results'/'completion', ROOT/'runs'
SHARED = dict(model_size='xsmall', n_layers=2, max_operands=3, chain='columns', prompt_loss_weight=0., optimizer='adamw', learning_rate=2e-3, batch_size=64,
              max_steps=3000, eval_steps=250, eval_examples=200, test_examples=1000, save_steps=500, precision='fp32', wandb=False)
OBJECTIVES = {'teacher': {}, 'completion': dict(use_gumbel=True, gumbel_final_noise=0.)}
N_PROBLEMS = 2000


def plan():
    "Names of all runs."
    return [f'{digits}-{objective}-{seed}' for digits in (1, 2) for objective in OBJECTIVES for seed in (1, 2, 3)]


def run(name):
    "Train, measure, write the results file."
    path, (digits, objective, seed) = RESULTS/f'{name}.json', name.split('-')
    if path.exists(): print(f'{path} is there already'); return
    cfg = TrainingConfig(**SHARED, **OBJECTIVES[objective], max_digits=int(digits), seed=int(seed), output_dir=str(RUNS/f'completion-{name}'))
    report = train(cfg)
    model = load_model(cfg.output_dir).eval()
    problems = fresh_problems(problem_config(model.meta), N_PROBLEMS, seed=1000 + cfg.seed, partition=cfg.seed)
    measured = evaluate(model, problems)
    result = dict(title=name, command=command(json.loads((Path(cfg.output_dir)/'training_config.json').read_text())), seeds=[cfg.seed],
                  package_version=math_llm.__version__, machine=f'{torch.get_num_threads()} thread(s) of ' + machine(), seconds=report['seconds'],
                  objective=objective, digits=cfg.max_digits, steps=report['steps'], parameters=model.n_params(),
                  curve=[[m['step'], m['exact_match'], m['loss']] for m in report['validation']],
                  exact_match=measured['exact_match'], chain_validity=measured['chain_validity'])
    write_whole(path, (json.dumps(result, indent=1) + '\n').encode())
    print(path)


if __name__ == '__main__':
    if not sys.argv[1:]:
        for name in plan(): print(f'{name:24}', 'done' if (RESULTS/f'{name}.json').exists() else '-')
    elif unknown := [n for n in sys.argv[1:] if n not in plan()]: sys.exit(f'no such run: {", ".join(unknown)}\n{__doc__}')
    else:
        RESULTS.mkdir(parents=True, exist_ok=True)
        for name in sys.argv[1:]: run(name)
