#!/usr/bin/env python
"""Measure what speed goals are about, each in a process of its own, into one results file.

    python scripts/gpu_goals.py --output gpu_goals.json [--seconds 280] [--only NAME ...]

On a GPU with the sizes that are used there; without one with small ones, which tells that the
measurements work and no more. Ends with the line `N passed, N failed`, counted in goals that were
measured. A file that is there is not replaced.
"""
import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from datetime import datetime
from functools import partial
from pathlib import Path
from unittest.mock import patch

import torch

from math_llm import benchmark
from math_llm.benchmark import BenchmarkConfig
from math_llm.evaluation import evaluate, held_out_problems
from math_llm.files import load_model, resolve_device
from math_llm.options import InputError
from math_llm.results import write_results
from math_llm.runs import machine


DEVICE = resolve_device('auto')
GPU = DEVICE.type == 'cuda'
END = float('inf') # when a goal that is measured in this process has to be done


def readme_run():
    "The options of the README's run with an invented chain, without its folder."
    return ['--config', 'inventor']


def measured(parts, size, batch, digits=3, precision=None, graphs=True, compile=False):
    """Rows of our own works of some parts, without what they are compared with; one that does not
    fit says so."""
    config = BenchmarkConfig(parts, (size,), (digits,), (batch,),
                             (precision,) if precision else ('fp32', 'bf16') if GPU else ('fp32',),
                             reference=False, memory=False, repeats=5 if GPU else 1,
                             turn=0.2 if GPU else 0., device=str(DEVICE), graphs=graphs,
                             compile=compile)
    return benchmark.benchmark(config)['rows']


def peak():
    "Products of two square matrices, in TFLOP/s."
    return {r['precision']: r['gflops'] / 1000 for r in measured(('train',), 'xsmall', 8)
            if r['part'] == 'peak'}


def training():
    "Tokens a second in training: teacher forcing, and both Gumbel objectives."
    if not GPU: return measured(('train', 'gumbel_completion', 'gumbel_answer'), 'xsmall', 8)
    asked = [(('train',), 'small', batch, 3, 'bf16') for batch in (64, 1024, 4096)]
    return [r for a in (*asked, (('gumbel_completion', 'gumbel_answer'), 'small', 1024, 3, 'bf16'))
            for r in measured(*a)]


def compiled(size, batch, digits):
    "Tokens a second in training, as it is and compiled."
    if not GPU: return measured(('train',), 'xsmall', 8, compile=True)
    return measured(('train',), size, batch, digits, 'bf16', compile=True)


def graphs():
    "Seconds of training steps one kernel at a time, and recorded: what recording gains."
    asked = dict(train=('small', 64), gumbel_answer=('xsmall', 128)) if GPU \
        else dict(train=('xsmall', 8), gumbel_answer=('xsmall', 8))
    found = {}
    for part, (size, batch) in asked.items():
        eager, recorded = ([r['seconds'] for r in measured((part,), size, batch, graphs=g)
                            if r['part'] == part][0] for g in (False, True))
        found[part] = dict(eager=eager, recorded=recorded, gain=eager / recorded)
    return found


def decoding():
    "Problems a second, decoded and evaluated: the shipped model, numbers of up to eight digits."
    return [r for batch in ((512, 4096) if GPU else (4,))
            for r in measured(('decode', 'evaluate'), 'small', batch, digits=8)]


def determinism():
    "Seconds of training steps under deterministic algorithms, and without: what they cost."
    def seconds(): return {r['part']: r['seconds']
                           for r in measured(('train', 'gumbel_answer'), *shape)
                           if r['precision'] == precision}
    precision, shape = ('bf16', ('small', 256)) if GPU else ('fp32', ('xsmall', 8))
    own = seconds()
    with patch('math_llm.benchmark.deterministic', lambda device: nullcontext()): free = seconds()
    return {part: dict(deterministic=own[part], free=free[part],
                       times_as_long=own[part] / free[part]) for part in ('train', 'gumbel_answer')}


def trained(options, seconds, asked=0):
    """A run of `math_llm_train`: how long it took, and how often the model is right of so many new
    problems. What does not end in time is stopped, and said to be."""
    seconds = max(1, min(seconds, END - time.time() - 10)) # some are left to stop it and to report
    with tempfile.TemporaryDirectory() as folder:
        began = time.time()
        argv = [sys.executable, '-c', 'import sys; from math_llm.training import train_command; '
                                      'sys.exit(train_command())', *options, '--no-wandb',
                '--no-progress', '--output-dir', 'run']
        run = subprocess.Popen(argv, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True)
        error, in_time = ended(run, seconds, 30)
        if in_time and run.returncode: raise RuntimeError(error.strip().splitlines()[-1])
        log = Path(folder)/'run'/'logs'/'training.log'
        log = log.read_text(encoding='utf-8') if log.exists() else ''
        own = dict(command='math_llm_train ' + ' '.join(options), ended=in_time,
                   seconds=round(time.time() - began, 1))
        found = followed(log, began) | own | report(Path(folder)/'run'/'test_results.json')
        if asked and found['ended']:
            model = load_model(f'{folder}/run', str(DEVICE))
            found['new'] = evaluate(model, held_out_problems(model, asked, 1), 4096)['exact_match']
        return found


def ended(process, seconds, more):
    """What a process said last, and whether it ended in time. If not, or if this process has to
    end, it is asked to end, too, and killed after `more` seconds."""
    try: return process.communicate(timeout=seconds)[-1], True
    except subprocess.TimeoutExpired: return '', False
    finally:
        if process.poll() is None:
            process.terminate()
            try: process.communicate(timeout=more)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def report(path):
    "What a results file of a run says, if there is one."
    if not path.exists(): return {}
    read = json.loads(path.read_bytes())
    return {k: read[k] for k in ('exact_match', 'steps', 'peak_memory_mb', 'precision')} | dict(
        training_seconds=read['seconds'])


def followed(log, began):
    "Steps, speed and validations (seconds, exact match in %) from a run's log."
    stamped = [(datetime.strptime(line[:19], '%Y-%m-%d %H:%M:%S').timestamp() - began, line[20:])
               for line in log.splitlines() if re.match(r'\d{4}-\d\d-\d\d ', line)]
    checks = [(round(t), float(m[1])) for t, line in stamped
              if (m := re.search(r'exact match ([\d.]+) % of \d+ validation', line))]
    steps = [(int(m[1].replace(',', '')), int(m[2].replace(',', ''))) for _, line in stamped
             if (m := re.match(r'step ([\d,]+)/.* ([\d,]+) problems/s', line))]
    return dict(validation=checks, last_step=steps[-1][0] if steps else 0,
                problems_per_second=sorted(p for _, p in steps)[len(steps)//2] if steps else None)


def default_run(seconds=45):
    "`math_llm_train` as it stands, with three seeds."
    short = ['--model-size', 'xsmall', '--max-steps', '20'] * (not GPU)
    return [trained(['--seed', seed, *short], seconds, 10_000 if GPU else 8)
            for seed in (('42', '43', '44') if GPU else ('42',))]


def inventor_run(seconds=90):
    "The README's run with an invented chain."
    return trained([*readme_run(), '--eval-steps', '500',
                    *['--max-steps', '20', '--batch-size', '8'] * (not GPU)], seconds)


def targets(goals):
    "What was aimed at, what was measured, and whether it was reached."
    def best(names, key, **like):
        found = [r.get(key) for n in names for r in goals.get(n) or [] if like.items() <= r.items()]
        return max((x for x in found if x), default=None)
    def worst(key): # of runs that are all right in 99.9 %
        runs = goals.get('default_run') or []
        good = all(r['ended'] and r['new']['share'] >= 0.999 for r in runs)
        return max((r[key] for r in runs), default=None) if good else None
    inventor = goals.get('inventor_run') or dict(ended=False)
    def step(size, key): # recorded steps or compiled ones
        return best(('training', f'compiled_{size}'), key, part='train', size=size)
    rows = [('default run: seconds of training to 99.9 %, slowest seed', 10,
             worst('training_seconds'), False),
            ('default run: seconds to the saved model, slowest seed', 20, worst('seconds'), False),
            ('inventor: seconds', 30, inventor['seconds'] if inventor['ended'] else None, False),
            ('small: tokens a second in training', 5e6, step('small', 'tokens_per_second'), True),
            ('medium: share of the peak', 0.3, step('medium', 'share_of_peak'), True),
            ('large: share of the peak', 0.4, step('large', 'share_of_peak'), True),
            ('decoding: problems a second', 50_000,
             best(('decoding',), 'problems_per_second', part='decode', batch=4096), True)]
    return [dict(goal=name, target=target, measured=x,
                 reached=x is not None and (x >= target if more else x <= target))
            for name, target, x, more in rows]


GOALS = dict(peak=peak, default_run=default_run, inventor_run=inventor_run, graphs=graphs,
             training=training, decoding=decoding, determinism=determinism,
             compiled_medium=partial(compiled, 'medium', 1024, 8),
             compiled_large=partial(compiled, 'large', 1024, 8),
             compiled_small=partial(compiled, 'small', 4096, 3))
LONGEST = dict(default_run=150, inventor_run=110, decoding=90, compiled_medium=90,
               compiled_large=90, compiled_small=90)


def apart(name, seconds):
    "A goal, measured in a process of its own; (result, None) or (None, why not)."
    if seconds < 5: return None, 'no time was left'
    with tempfile.TemporaryFile('w+', encoding='utf-8') as found:
        argv = [sys.executable, __file__, '--one', name, '--end', str(time.time() + seconds)]
        run = subprocess.Popen(argv, stdout=found, stderr=subprocess.PIPE, text=True)
        error, in_time = ended(run, seconds, 10)
        if not in_time: return None, f'not done after {seconds:.0f} s'
        if run.returncode: return None, (error.strip().splitlines()
                                         or ['it ended without a word'])[-1]
        found.seek(0)
        return json.loads(found.read().splitlines()[-1]), None


def stop(*_): sys.exit(143)


def main(output, seconds, names):
    if output.exists(): raise InputError(f'{output} is there already; give another --output')
    began, goals, failed = time.time(), {}, {}
    for name in names:
        at = time.time()
        goals[name], why = apart(name, min(LONGEST.get(name, 60), seconds - (at - began)))
        if why: failed[name] = why
        print(f"{'FAILED  ' if why else 'measured'}  {name}  {time.time() - at:.0f} "
              f"s{': ' + why if why else ''}", flush=True)
        write_results(output, 'Speed goals', 'bash scripts/gpu_check.sh goals', [42],
                      time.time() - began, replace=True, machine=machine(DEVICE),
                      torch=torch.__version__,
                      targets=targets(goals), goals=goals, failed=failed)
    print(output)
    print(f'{len(names) - len(failed)} passed, {len(failed)} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description='Measure what speed goals are about.')
    parser.add_argument('--output', type=Path, default=Path('gpu_goals.json'))
    parser.add_argument('--seconds', type=float, default=280, help='for all of them (default: 280)')
    parser.add_argument('--only', nargs='+', choices=GOALS, default=list(GOALS), metavar='NAME',
                        help=f'of {", ".join(GOALS)}')
    parser.add_argument('--one', choices=GOALS, help=argparse.SUPPRESS)
    parser.add_argument('--end', type=float, default=END, help=argparse.SUPPRESS)
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, stop) # and with this process what it has begun
    if args.one:
        END = args.end
        print(json.dumps(GOALS[args.one]()))
        sys.exit()
    try: sys.exit(main(args.output, args.seconds, args.only))
    except InputError as e:
        print(f'gpu_goals.py: {e}', file=sys.stderr)
        print('0 passed, 1 failed'); sys.exit(2)
