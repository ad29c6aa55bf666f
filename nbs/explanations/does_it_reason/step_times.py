#!/usr/bin/env python
"""How much longer a step with invented thoughts takes than one without, measured in turns.

    python nbs/explanations/does_it_reason/step_times.py

Each condition trains for a few steps and for twice as many, with the mixture of widths that a
whole run has; the difference is the time of the steps, without start-up and test. The conditions
take turns in one process, with one thread, and processor time is counted, so that other work on
the machine hardly counts. The result is results/step_times.json.
"""
import argparse
import dataclasses
import statistics
import sys
import tempfile
import time
from pathlib import Path

import torch
from study import N_DISTURBED, RESULTS, SAME_TIME, STEPS, config

from math_llm.results import write_results
from math_llm.training import train

ROUNDS, FEW = 3, {8: 200, 16: 150}
PATH = RESULTS / 'step_times.json'


def seconds(cfg, steps):
    "Processor time of a whole short training."
    with tempfile.TemporaryDirectory() as folder:
        short = dataclasses.replace(
            cfg, max_steps=steps, eval_steps=10**6, save_steps=10**6, test_examples=N_DISTURBED,
            progress=False, output_dir=str(Path(folder) / 'run'))
        began = time.process_time()
        train(short)
        return time.process_time() - began


def main():
    if PATH.exists(): sys.exit(f'step_times.py: {PATH} is there already')
    torch.set_num_threads(1)
    began, measured = time.perf_counter(), {}
    for digits, few in FEW.items():
        steps = dict(invented=STEPS[digits], **SAME_TIME[digits])
        runs = {c: config(f'{digits}-{c}-1' + '-same_time' * (c != 'invented')) for c in steps}
        for cfg in runs.values(): seconds(cfg, few)  # compiles
        per_step = {c: [] for c in steps}
        for _ in range(ROUNDS):
            for c, cfg in runs.items():
                per_step[c].append((seconds(cfg, 2 * few) - seconds(cfg, few)) / few)
        median = {c: statistics.median(t) for c, t in per_step.items()}
        whole = {c: n * median[c] for c, n in steps.items()}
        measured[str(digits)] = {
            c: dict(ms_per_step=[round(1000 * s, 2) for s in per_step[c]], steps=n,
                    share_of_invented=round(whole[c] / whole['invented'], 3))
            for c, n in steps.items()}
        print(digits, measured[str(digits)], flush=True)
    write_results(
        PATH, 'Time of a training step, by condition',
        'python nbs/explanations/does_it_reason/step_times.py', [1],
        time.perf_counter() - began, rounds=ROUNDS, measured=measured)


if __name__ == '__main__':
    argparse.ArgumentParser(description=__doc__.split('\n')[0]).parse_args()
    main()
