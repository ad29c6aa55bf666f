#!/usr/bin/env python
"""The runs behind the page "Does it reason?".

    python nbs/explanations/does_it_reason/study.py                     what there is to run, and what is done
    python nbs/explanations/does_it_reason/study.py RUN [RUN ...]       carry these out, or what is left of them

A run is named digits-condition-seed, such as 8-invented-1, or 8-none-1-long for a run with as much time as the invented one had
(8-none-1-longer: as much as one with twice the steps).
It trains into runs/ (which git ignores) and can be stopped and started again; when it ends, nbs/explanations/does_it_reason/results/RUN.json
appears, and is not made again. The thread count and processor should be the same for all runs that are compared.
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

sys.path.append(str(Path(__file__).parents[3]/'scripts'))
from studies import RUNS, choose, how, write_result

RESULTS = Path(__file__).parent/'results'

# What the conditions share: data, model, optimiser. In the first part of a run there are numbers of all widths, written with
# leading zeros, so that carries that travel far are learned from those that do not; then only those of full width, which is what is measured.
SHARED = dict(model_size='xsmall', position='learned', max_operands=2, zero_pad=True, carry_bias=0.3, full_size=0.5, curriculum=0.3, prompt_loss_weight=0.,
              batch_size=256, optimizer='muon', learning_rate=2e-3, eval_steps=250, save_steps=500, logging_steps=250, precision='auto', compile=True, wandb=False)
GUMBEL = dict(use_gumbel=True, supervise='answer', gumbel_noise=0.5, gumbel_final_noise=0.)
CONDITIONS = dict(invented=dict(gumbel_hard=False) | GUMBEL, none=dict(chain='none'), noop=dict(chain='noop'), running=dict(chain='running'),
                  columns=dict(chain='columns'),
                  straight=GUMBEL,                                                             # invented with straight-through samples
                  hiding=dict(gumbel_hard=False, gumbel_hide=0.2) | GUMBEL,                    # invented while a part of the problem is hidden from the answer
                  veiling=dict(gumbel_hard=False, gumbel_hide=0.1) | GUMBEL)                   # the same with less of it, and twice the steps
STEPS = {8: 4000, 16: 8000}
MORE = {8: dict(veiling=8000)}   # a condition with other steps
LONG = {8: dict(none=5750, noop=6000), 16: dict(none=13500, noop=14100)}   # steps of the runs that get the time of an invented one: at 8 digits 4,000 steps of it took 275 seconds, of these 192 and 183; at 16, 5,000 took 748 and 443
SEEDS = {8: dict(invented=10, none=3, noop=3, running=3, straight=3, hiding=5, veiling=5, columns=3), 16: dict(invented=3, veiling=3)}
LONG_SEEDS = 3
N_PROBLEMS, N_DISTURBED = 10_000, 2_000


def plan():
    "Names of all runs, in the order in which they are worth doing."
    for digits in STEPS:
        for condition, n in SEEDS[digits].items():
            for seed in range(1, n+1): yield f'{digits}-{condition}-{seed}'
        for condition in LONG[digits]:
            for seed in range(1, LONG_SEEDS+1): yield f'{digits}-{condition}-{seed}-long'
        for condition in LONG[digits]:
            if digits in MORE: yield f'{digits}-{condition}-1-longer'


def n_steps(digits, condition, long):
    "How many steps a run takes."
    if long: return LONG[digits][condition] * (2 if long == ['longer'] else 1)
    return MORE.get(digits, {}).get(condition, STEPS[digits])


def config(name):
    "The training configuration of a run."
    digits, condition, seed, *long = name.split('-')
    digits = int(digits)
    thoughts = dict(thought_tokens=digits+1) if 'use_gumbel' in CONDITIONS[condition] or condition == 'noop' else {}
    return TrainingConfig(**SHARED, **CONDITIONS[condition], **thoughts, max_digits=digits, seed=int(seed),
                          max_steps=n_steps(digits, condition, long), output_dir=str(RUNS/name))


def measure(model, cfg):
    "Exact match on both kinds of problems, and what disturbed chains do."
    report = {}
    for kind, bias in (('uniform', 0.), ('carry_biased', 1.)):
        problems = held_out(problem_config(model.meta, carry_bias=bias, min_digits=cfg.max_digits), N_PROBLEMS, seed=1000 + cfg.seed, partition=cfg.seed)
        r = evaluate(model, problems, 512)
        report[kind] = {k: r[k] for k in ('exact_match', 'by_carry_run')}
        if model.meta.chain not in ('none', 'noop'):
            report[kind]['faithfulness'] = faithfulness(model, problems[:N_DISTURBED], seed=cfg.seed)
    return report


def run(name, path):
    "Train, measure, write the results file."
    cfg = config(name)
    report, began = train(cfg), time.perf_counter()
    model = load_model(cfg.output_dir).eval()
    measured = measure(model, cfg)
    write_result(path, name, how(cfg.output_dir), [cfg.seed], report['seconds'],
                 condition=name.split('-')[1], digits=cfg.max_digits, long=name.endswith(('long', 'longer')), steps=report['steps'], precision=report['precision'],
                 parameters=model.n_params(), seconds_of_measuring=round(time.perf_counter() - began, 1),
                 curve=[[m['step'], m['exact_match'], m['loss']] for m in report['validation']], **measured)


if __name__ == '__main__': choose(sys.argv[1:], list(plan()), RESULTS, run, __doc__)
