#!/usr/bin/env python
"""How often `taught` errs on problems that nothing else has used.

    python nbs/explanations/last_errors/fresh.py N SEED [DEVICE] [--output FILE]

The plan, fixed before the first draw: N held-out problems of each kind (uniform, drawn with SEED;
carry-biased, SEED+1; repeat-biased, SEED+2), a second command with another seed only after an error
was trained away. Writes results/fresh_N.json beside this file; nothing is overwritten.
"""

import argparse
import sys
import time
from pathlib import Path

from math_llm import load_model
from math_llm.evaluation import evaluate, held_out_problems
from math_llm.options import InputError
from math_llm.results import write_results

KINDS = dict(
    uniform=dict(carry_bias=0.0, repeat_bias=0.0),
    carry_biased=dict(carry_bias=1.0, repeat_bias=0.0),
    repeat_biased=dict(carry_bias=0.0, repeat_bias=1.0),
)


def main(n, seed, device='auto', path=None):
    "Draw, ask, write."
    path = path or Path(__file__).parent / 'results' / f'fresh_{n}.json'
    began, rows = time.perf_counter(), []
    if path.exists():
        raise InputError(f'{path} is there already')
    model = load_model('taught', device).eval()
    batch_size = 4096 if model.embed.weight.is_cuda else 512
    for i, (kind, biases) in enumerate(KINDS.items()):
        problems = held_out_problems(model, n, seed + i, **biases)
        report = evaluate(model, problems, batch_size, progress=True)
        about = dict(problems=kind, seed=seed + i)
        rows.append(about | {k: report[k] for k in ('exact_match', 'chain_validity', 'wrong')})
        print(rows[-1], flush=True)
    command = f'python nbs/explanations/last_errors/fresh.py {n} {seed}'
    seeds = [r['seed'] for r in rows]
    write_results(path, 'Errors of taught on fresh problems', command, seeds,
                  time.perf_counter() - began, rows=rows)


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    p.add_argument('n', type=int, help='problems of each kind')
    p.add_argument('seed', type=int, help='of the first kind; the others follow it')
    p.add_argument('device', nargs='?', default='auto', help='auto, cpu, cuda, mps')
    p.add_argument('--output', type=Path, help='another results file')
    args = p.parse_args()
    try:
        main(args.n, args.seed, args.device, args.output)
    except InputError as e:
        sys.exit(f'{Path(__file__).name}: {e}')
