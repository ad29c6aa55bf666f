#!/usr/bin/env python
"""The runs behind the page "Does it reason?": does an invented chain do any work?

    python nbs/explanations/does_it_reason/study.py                what there is to run
    python nbs/explanations/does_it_reason/study.py RUN [RUN ...]  what is left of these runs

The plan: train one model on the same problems, with no chain, with an empty, a taught and an
invented one, at equal steps and at equal time; measure exact match on uniform and on
carry-biased problems, and what a disturbed chain does to the answer.

A run is named digits-condition-seed, such as 8-invented-1. 8-none-1-same_time has as many steps
as fit into the time of an invented run, 8-none-1-double_time twice as many. A run trains into
runs/ (which git ignores) and can be stopped and started again; when it ends, results/RUN.json
appears beside this file, and is not made again. Runs that are compared should have the same
thread count and processor. The files in results/earlier and results/first_trials are of recipes
before this one: their commands tell how.
"""

import sys
import time
from pathlib import Path

from math_llm.problems import held_out
from math_llm.evaluation import evaluate
from math_llm.faithfulness import faithfulness
from math_llm.files import problem_config
from math_llm.files import load_model
from math_llm.training import TrainingConfig, train
from math_llm.results import write_results

sys.path.append(str(Path(__file__).resolve().parents[3] / 'scripts'))
from studies import RUNS, choose, how

RESULTS = Path(__file__).parent / 'results'

# What the conditions share: data, model, optimiser. In the first part of a run there are numbers of
# all widths, written with leading zeros, so that carries that travel far are learned from those
# that do not; then only those of full width, which are measured.
SHARED = dict(
    model_size='xsmall',
    position='learned',
    max_operands=2,
    zero_pad=True,
    carry_bias=0.3,
    full_size=0.5,
    curriculum=0.3,
    prompt_loss_weight=0.0,
    batch_size=256,
    optimizer='muon',
    weight_decay=0.01,
    learning_rate=2e-3,
    eval_steps=250,
    save_steps=500,
    logging_steps=250,
    precision='auto',
    compile=True,
    wandb=False,
)
GUMBEL = dict(use_gumbel=True, supervise='answer', gumbel_noise=0.5, gumbel_final_noise=0.0)
RELAXED = GUMBEL | dict(gumbel_hard=False)
CONDITIONS = dict(
    invented=RELAXED,
    none=dict(chain='none'),
    noop=dict(chain='noop'),
    running=dict(chain='running'),
    columns=dict(chain='columns'),
    straight_through=GUMBEL,  # invented with straight-through samples
    hidden_fifth=RELAXED
    | dict(gumbel_hide=0.2),  # invented while a part of the problem is hidden from the answer
    hidden_tenth=RELAXED | dict(gumbel_hide=0.1),
)  # the same with less of it, and twice the steps
STEPS = {8: 4000, 16: 8000}
MORE = {8: dict(hidden_tenth=8000)}  # a condition with other steps
# Steps of runs that get the time of an invented one. At 8 digits 4,000 steps of it took 275
# seconds, of these 192 and 183; at 16 digits 5,000 steps took 748 and 443.
SAME_TIME = {8: dict(none=5750, noop=6000), 16: dict(none=13500, noop=14100)}
SEEDS = {
    8: dict(
        invented=10,
        none=3,
        noop=3,
        running=3,
        straight_through=3,
        hidden_fifth=5,
        hidden_tenth=5,
        columns=3,
    ),
    16: dict(invented=3, hidden_tenth=3),
}
SAME_TIME_SEEDS = 3
N_PROBLEMS, N_DISTURBED = 10_000, 2_000


def plan():
    "Names of all runs, in the order in which they are worth doing."
    for digits in STEPS:
        for condition, n in SEEDS[digits].items():
            for seed in range(1, n + 1):
                yield f'{digits}-{condition}-{seed}'
        for condition in SAME_TIME[digits]:
            for seed in range(1, SAME_TIME_SEEDS + 1):
                yield f'{digits}-{condition}-{seed}-same_time'
        for condition in SAME_TIME[digits]:
            if digits in MORE:
                yield f'{digits}-{condition}-1-double_time'


def n_steps(digits, condition, time):
    "How many steps a run takes."
    if time:
        return SAME_TIME[digits][condition] * (2 if time == ['double_time'] else 1)
    return MORE.get(digits, {}).get(condition, STEPS[digits])


def config(name):
    "The training configuration of a run."
    digits, condition, seed, *time = name.split('-')
    digits = int(digits)
    thoughts = (
        dict(thought_tokens=digits + 1)
        if 'use_gumbel' in CONDITIONS[condition] or condition == 'noop'
        else {}
    )
    return TrainingConfig(
        **SHARED,
        **CONDITIONS[condition],
        **thoughts,
        max_digits=digits,
        seed=int(seed),
        max_steps=n_steps(digits, condition, time),
        output_dir=str(RUNS / name),
    )


def measure(model, cfg):
    "Exact match on both kinds of problems, and what disturbed chains do."
    report = {}
    for kind, bias in (('uniform', 0.0), ('carry_biased', 1.0)):
        problems = held_out(
            problem_config(model.meta, carry_bias=bias, min_digits=cfg.max_digits),
            N_PROBLEMS,
            seed=1000 + cfg.seed,
            partition=cfg.seed,
        )
        r = evaluate(model, problems, 512)
        report[kind] = {k: r[k] for k in ('exact_match', 'by_carry_run')}
        if model.meta.chain not in ('none', 'noop'):
            report[kind]['faithfulness'] = faithfulness(
                model, problems[:N_DISTURBED], seed=cfg.seed
            )
    return report


def run(name, path):
    "Train, measure, write the results file."
    cfg = config(name)
    report, began = train(cfg), time.perf_counter()
    model = load_model(cfg.output_dir).eval()
    measured = measure(model, cfg)
    write_results(
        path,
        name,
        how(cfg.output_dir),
        [cfg.seed],
        report['seconds'],
        condition=name.split('-')[1],
        digits=cfg.max_digits,
        long=name.endswith('_time'),
        steps=report['steps'],
        precision=report['precision'],
        parameters=model.n_params(),
        seconds_of_measuring=round(time.perf_counter() - began, 1),
        curve=[[m['step'], m['exact_match'], m['loss']] for m in report['validation']],
        **measured,
    )


if __name__ == '__main__':
    choose(sys.argv[1:], list(plan()), RESULTS, run)
