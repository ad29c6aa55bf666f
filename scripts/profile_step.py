#!/usr/bin/env python
"""Where the time of a training step of the main job goes, on this machine's CPU.

    python scripts/profile_step.py

Twenty steps of `math_llm_train` without options, with whole batches, after five, timed alone; then
ten under PyTorch's profiler. A share is the time that an operation takes itself, of all that the
profiler saw; the rest is the search for operations, autograd and Python. The result is
nbs/results/step_profile.json.
"""
import argparse
import sys
import time
from datetime import date
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from math_llm.datasets import Stream
from math_llm.options import InputError
from math_llm.problems import ProblemConfig
from math_llm.results import write_results
from math_llm.settings import TrainingConfig, resolve_precision
from math_llm.steps import micro_batches, set_learning_rate

from speedrun import matrix_rate, prepared

ROOT, CPU = Path(__file__).resolve().parent.parent, torch.device('cpu')
KINDS = {'matrix products': ('mm', 'bmm', 'addmm', 'baddbmm'),
         'conversions and copies': ('copy_', 'cat'),
         'element-wise operations': ('mul', 'mul_', 'add', 'add_', 'addcmul_', 'sub_', 'div',
                                     'gelu', 'gelu_backward', 'lerp', 'lerp_'),
         'norms and softmax': ('native_layer_norm', 'native_layer_norm_backward', '_softmax',
                               '_softmax_backward_data', 'linalg_vector_norm')}


def main():
    path = ROOT/'nbs'/'results'/'step_profile.json'
    if path.exists(): raise InputError(f'{path} is there already')
    config, began = TrainingConfig(), time.perf_counter()
    precision = resolve_precision('auto', CPU)
    _, optimizers, take = prepared(config.seed, CPU, precision, config.prompt_loss_weight)
    set_learning_rate(optimizers, config.learning_rate)
    source = Stream(ProblemConfig(full_size=config.full_size), config.seed)
    batches = [micro_batches(source.take(config.batch_size), CPU) for _ in range(35)]
    for batch in batches[:5]: take(batch)
    start = time.perf_counter()
    for batch in batches[5:25]: take(batch)
    ms = (time.perf_counter() - start) / 20 * 1000
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        for batch in batches[25:]: take(batch)
    own = {e.key.removeprefix('aten::'): e.self_cpu_time_total for e in seen.key_averages()}
    muon = sum(e.cpu_time_total for e in seen.key_averages() if 'Muon.step' in e.key)
    total = sum(own.values())
    rows = [dict(what=kind, share=round(sum(own.get(n, 0) for n in names) / total, 3))
            for kind, names in KINDS.items()]
    rows.append(dict(what='the rest', share=round(1 - sum(r['share'] for r in rows), 3)))
    write_results(path, 'Where a training step of the main job spends its time on a CPU',
                  'python scripts/profile_step.py', [config.seed], time.perf_counter() - began,
                  date=date.today().isoformat(), precision=precision, ms_per_step=round(ms, 1),
                  share_of_muon=round(muon / total, 3), runs=rows,
                  tflops=round(matrix_rate(CPU, precision), 2))
    print(path)


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.parse_args()
    try: main()
    except InputError as e: sys.exit(f'profile_step.py: {e}')
