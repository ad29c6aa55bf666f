#!/usr/bin/env python
"""What the completion objective reaches beside teacher forcing, shown in 06_gumbel.ipynb.

    python nbs/explanations/completion/study.py                what there is to run
    python nbs/explanations/completion/study.py RUN [RUN ...]  what is left of these runs

A run is named digits-objective-seed, such as 2-completion-1. It trains into runs/ (which git
ignores) and can be stopped and started again; when it ends,
results/RUN.json appears beside this file, and is not made again.
"""

import sys
from pathlib import Path

from math_llm.problems import held_out
from math_llm.evaluation import evaluate
from math_llm.files import problem_config
from math_llm.files import load_model
from math_llm.training import TrainingConfig, train
from math_llm.results import write_results

sys.path.append(str(Path(__file__).resolve().parents[3] / 'scripts'))
from studies import RUNS, choose, how

RESULTS = Path(__file__).parent / 'results'
SHARED = dict(
    model_size='xsmall',
    n_layers=2,
    max_operands=3,
    chain='columns',
    prompt_loss_weight=0.0,
    optimizer='adamw',
    learning_rate=2e-3,
    batch_size=64,
    max_steps=3000,
    eval_steps=250,
    test_examples=1000,
    save_steps=500,
    precision='fp32',
    wandb=False,
)
OBJECTIVES = {'teacher': {}, 'completion': dict(use_gumbel=True, gumbel_final_noise=0.0)}
N_PROBLEMS = 2000


def plan():
    "Names of all runs."
    return [
        f'{digits}-{objective}-{seed}'
        for digits in (1, 2)
        for objective in OBJECTIVES
        for seed in (1, 2, 3)
    ]


def run(name, path):
    "Train, measure, write the results file."
    digits, objective, seed = name.split('-')
    cfg = TrainingConfig(
        **SHARED,
        **OBJECTIVES[objective],
        max_digits=int(digits),
        seed=int(seed),
        output_dir=str(RUNS / f'completion-{name}'),
    )
    report = train(cfg)
    model = load_model(cfg.output_dir).eval()
    measured = evaluate(
        model,
        held_out(problem_config(model.meta), N_PROBLEMS, seed=1000 + cfg.seed, partition=cfg.seed),
    )
    write_results(
        path,
        name,
        how(cfg.output_dir),
        [cfg.seed],
        report['seconds'],
        objective=objective,
        digits=cfg.max_digits,
        steps=report['steps'],
        parameters=model.n_params(),
        curve=[[m['step'], m['exact_match'], m['loss']] for m in report['validation']],
        exact_match=measured['exact_match'],
        chain_validity=measured['chain_validity'],
    )


if __name__ == '__main__':
    choose(sys.argv[1:], plan(), RESULTS, run)
