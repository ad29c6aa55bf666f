#!/usr/bin/env python
"""The main job as a race: train, and be right in 99.9 % of 10,000 new problems, with three seeds.

    python scripts/speedrun.py NAME "What changed" [options]

The model, the problems and the step are those of `math_llm_train` without options; the options here
say what else to try. The result is nbs/results/speedrun/NAME.json; the page Speedrun shows all.
Seconds are those of the training alone. The machine should have nothing else to do; the rate of its
matrix products is measured before and after each seed, so that machines can be compared.
"""
import argparse
import dataclasses
import shlex
import sys
import time
from datetime import date
from pathlib import Path

import torch

from math_llm.datasets import Stream
from math_llm.evaluation import evaluate, percent
from math_llm.files import resolve_device
from math_llm.learning import TeacherForcing
from math_llm.model import Meta, ModelConfig, Transformer
from math_llm.optimisers import Average
from math_llm.options import InputError
from math_llm.problems import ProblemConfig, held_out
from math_llm.results import write_results
from math_llm.runs import deterministic
from math_llm.settings import TrainingConfig, resolve_precision
from math_llm.steps import make_optimizers, micro_batches, stepper

ROOT = Path(__file__).resolve().parent.parent
PROBLEM = ProblemConfig()


def matrix_rate(device, precision, n=1024, seconds=1.):
    "TFLOP/s of the product of two square matrices."
    dtype = torch.bfloat16 if precision == 'bf16' else torch.float32
    a = torch.randn(n, n, device=device, dtype=dtype)
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        a @ a
        count += 1
    getattr(torch, device.type).synchronize()
    return count * 2 * n**3 / (time.perf_counter() - began) / 1e12


def rate(step, o):
    "The learning rate: up, then down in a straight line to a share of its peak."
    warmup = min(o.warmup, o.steps // 2)
    if step < warmup: return o.learning_rate * (step + 1) / warmup
    left = (o.steps - step) / (o.steps - warmup)
    return o.learning_rate * (o.final_rate + (1 - o.final_rate) * left)


def size(step, o):
    "How many problems a step has."
    return o.batch if step >= int(o.halved * o.steps) else -(-o.batch // 2)


def averaged(step, o):
    "Do the weights behind a step count in their mean?"
    return step + 1 > o.steps * (1 - o.average)


def prepared(seed, device, precision, weight, compiled=False, decay=None):
    "A new model, its optimisers, and a function that takes a step."
    torch.manual_seed(seed)
    model = Transformer(ModelConfig.from_size('small')).to(device).train()
    model.meta = Meta('columns', None, dataclasses.asdict(PROBLEM))
    objective = TeacherForcing(model, weight)
    if compiled: objective.compile()
    optimizers = make_optimizers(model, TrainingConfig(weight_decay=decay), precision)
    return model, optimizers, stepper(objective, optimizers, precision)


def run(seed, o, device, precision):
    "Train with one seed and ask 10,000 new problems."
    before = matrix_rate(device, precision)
    model, optimizers, take = prepared(seed, device, precision, o.prompt_loss_weight, o.compile,
                                       o.weight_decay)
    average = Average([*model.parameters()])
    stream = Stream(dataclasses.replace(PROBLEM, full_size=o.full_size), seed, num_workers=1)
    began, problems = time.perf_counter(), 0
    with deterministic(device):
        for step in range(o.steps):
            for optimizer, scale in zip(optimizers, (1., o.adam_scale)):
                for group in optimizer.param_groups:
                    new = rate(step, o) * scale
                    group['lr'].fill_(new) if torch.is_tensor(group['lr']) else group.update(lr=new)
            loss = take(micro_batches(stream.take(n := size(step, o)), device, o.compile,
                                      limit=model.config.max_length))
            problems += n
            if averaged(step, o): average.step()
            if step % 100 == 0:
                print(f'seed {seed}, step {step}: loss {loss[0] / loss[1]:.4f}', flush=True)
    average.put()
    getattr(torch, device.type).synchronize()
    seconds = time.perf_counter() - began
    stream.close()
    report = evaluate(model.eval(), held_out(PROBLEM, o.asked, seed, seed), n_wrong=20)
    print(f'seed {seed}: {percent(report["exact_match"]["share"])}, {seconds:.1f} s', flush=True)
    keys = ('exact_match', 'by_operands', 'by_carry_run', 'wrong')
    return dict(seed=seed, seconds=round(seconds, 1), problems_seen=problems,
                tflops=[round(before, 3), round(matrix_rate(device, precision), 3)],
                **{k: report[k] for k in keys})


def parser():
    p = argparse.ArgumentParser(description='The main job as a race.')
    p.add_argument('name')
    p.add_argument('change', help='what changed, in words')
    p.add_argument('--seeds', type=int, nargs='+', default=[42, 43, 44])
    c = TrainingConfig()
    for name, value, words in (
            ('steps', 1334, 'steps'), ('batch', c.batch_size, 'problems of a step'),
            ('halved', 0.5, 'share of the run, at its beginning, whose steps have half as many'),
            ('learning-rate', c.learning_rate, 'highest learning rate'),
            ('final-rate', 0.1, 'share of it that is left at the end'),
            ('warmup', c.warmup_steps, 'steps to reach it'),
            ('adam-scale', 1., 'learning rate of embeddings, head and norms, times this'),
            ('weight-decay', 0.1, 'as in math_llm_train'),
            ('average', 0.25, 'share of the run over whose steps the weights are averaged'),
            ('prompt-loss-weight', c.prompt_loss_weight, 'as in math_llm_train'),
            ('full-size', c.full_size, 'share of problems of full size'),
            ('asked', 10_000, 'new problems at the end')):
        p.add_argument(f'--{name}', type=type(value), default=value, help=words)
    p.add_argument('--precision', default='auto')
    p.add_argument('--device', default='auto')
    p.add_argument('--compile', action='store_true')
    return p


def main(o):
    device = resolve_device(o.device)
    precision = resolve_precision(o.precision, device)
    path = ROOT/'nbs'/'results'/'speedrun'/f'{o.name}.json'
    if path.exists(): raise InputError(f'{path} is there already')
    if path.parent.name != 'speedrun' or not o.name:
        raise InputError(f'name is that of a file, without .json, not {o.name!r}')
    for name in ('halved', 'average', 'final_rate', 'full_size'):
        if not 0 <= (given := getattr(o, name)) <= 1:
            raise InputError(f'--{name.replace("_", "-")} must be from 0 to 1, not {given}')
    for name in ('steps', 'batch', 'asked'):
        if (given := getattr(o, name)) < 1:
            raise InputError(f'--{name} must be at least 1, not {given}')
    began = time.perf_counter()
    runs = [run(seed, o, device, precision) for seed in o.seeds]
    write_results(path, o.change, 'python scripts/speedrun.py ' + shlex.join(sys.argv[1:]), o.seeds,
                  time.perf_counter() - began, date=date.today().isoformat(), precision=precision,
                  runs=runs)
    print(path)


if __name__ == '__main__':
    try: main(parser().parse_args())
    except InputError as e: raise SystemExit(f'speedrun.py: {e}') from None
