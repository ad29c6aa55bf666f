#!/usr/bin/env python
"""What models with an invented chain say: the measurements behind the page "What it invented".

    python nbs/explanations/what_it_invented/study.py RUN [RUN ...]    study finished trainings
    python nbs/explanations/what_it_invented/study.py --compare        compare all studied runs

The plan: learn a code book for each run, examine it on new problems, rewrite thoughts and see
whether the answer follows, and compare the runs. needed.py asks, on problems that nothing else has
used, whether thoughts are needed, followed and understood.

The study of a run becomes results/runs/RUN.json beside this file, and is not made again. The
comparison and a table of all places become results/compared.json; for that the runs have to be in
the folder that the environment variable RUNS names (default: runs).
"""
import itertools
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_mutual_info_score
from math_llm.problems import draw
from math_llm.files import problem_config
from math_llm.codebook import information, think
from math_llm.evaluation import share, subplots
from math_llm.model import thought_ids
from math_llm.speaking import held_out_problems, study
from math_llm.tokenizer import VOCAB
from math_llm.files import load_model
from math_llm.results import write_results


RESULTS = Path(__file__).parent/'results'
COMMAND = 'python nbs/explanations/what_it_invented/study.py'
# problems to learn from, of each examination, and of each one by speaking
SIZES = dict(n=10_000, n_tests=4_000, n_spoken=1_000)
N_INFORMATION, N_COMPARED = 5_000, 5_000


def study_run(folder):
    "Everything about one run."
    path = RESULTS/'runs'/f'{folder.name}.json'
    if path.exists(): return print(f'{path} is there already')
    began, model = time.perf_counter(), load_model(folder)
    report = json.loads((folder/'test_results.json').read_text())
    book, told = study(model, **SIZES), {}
    for kind, bias in (('uniform', 0.), ('carry-biased', 1.)):
        told[kind] = information(think(model, held_out_problems(model, N_INFORMATION, 5, bias)))
    write_results(path, folder.name, f'{COMMAND} {folder.name}', [model.meta.trained_on['seed']],
                  time.perf_counter() - began,
                 run=folder.name, steps=report['steps'], exact_match=report['exact_match'],
                  codebook=book.to_dict(), information=told)


def summary(runs):
    "Each place of each run in one row."
    for run, r in runs.items():
        for p, *spoken in zip(r['codebook']['places'],
                              *(r['codebook']['speaking'][k] for k in ('uniform', 'carry-biased'))):
            row = dict(run=run, thought=p['thought'], speaks_of=p['speaks_of'] or '–',
                       status=p['status'], heard_as=dict(out='carry out')[p['heard_as']]
                       if p['heard_as'] == 'out' else '')
            for kind, s in zip(('uniform', 'carry-biased'), spoken):
                row |= {f'read, {kind}': p['tests'][kind]['read']['share'],
                        f'baseline, {kind}': p['tests'][kind]['read_baseline']['share'],
                        f'rewritten alone, {kind}': (s.get('alone') or {}).get('share'),
                        f'rewritten, thinking on, {kind}': (s.get('thinking_on')
                                                            or {}).get('share')}
            yield row | dict(heard_later=((p['heard'] or {}).get('later') or {}).get('share'))


def renaming(x, y):
    "Which token of x (b,) is which of y (b,), one to one, the most frequent pairs first."
    table, names = np.zeros((16, 16), int), {}
    np.add.at(table, (x, y), 1)
    while table.max() > 0:
        i, j = np.unravel_index(table.argmax(), table.shape)
        names[int(i)] = int(j)
        table[i], table[:, j] = 0, 0
    return names


def compare(a, b):
    """Which thoughts of two models (about the same problems) say the same: their adjusted mutual
    information (K, K'), and pairs, the most alike first, with the share of the second half of the
    problems in which a renaming, made from the first, turns the one into the other."""
    half, table, pairs = len(a) // 2, np.array([[adjusted_mutual_info_score(x, y)
                                                 for y in b.tokens.T] for x in a.tokens.T]), []
    left = table.copy()
    for _ in range(min(table.shape)):
        i, j = np.unravel_index(left.argmax(), left.shape)
        names = renaming(a.tokens[:half, i], b.tokens[:half, j])
        x, y = a.tokens[half:, i], b.tokens[half:, j]
        agree = np.array([names.get(t, -1) for t in x.tolist()]) == y
        pairs.append(dict(a=int(i), b=int(j), information=float(table[i, j]),
                          renamed=share(agree.sum(), len(y)),
                          baseline=share(np.bincount(y).max(), len(y))))
        left[i], left[:, j] = -np.inf, -np.inf
    return table, pairs


def plot_codebook(book):
    """A map for each thought that tells one feature: how often each token (across) stood for each
    value (down). A matplotlib figure, or None."""
    shown = [(i, e) for i, e in enumerate(book.entries) if len(e.features) == 1]
    if not shown: return None
    across = min(len(shown), 3)
    down = -(-len(shown) // across)
    fig, axes = subplots(down, across, figsize=(3.2*across, 2.9*down), squeeze=False)
    for ax in axes.flat[len(shown):]: ax.set_axis_off()
    for ax, (i, e) in zip(axes.flat, shown):
        table = np.array([n[list(thought_ids())] / n.sum() for n in e.counts.values()])
        image = ax.imshow(table, vmin=0, vmax=1, cmap='viridis', aspect='auto')
        ax.set_title(f'thought {i} ({e.status})\n{e.speaks_of}', fontsize=9)
        ax.set_xticks(range(len(thought_ids())),
                      [VOCAB[t].replace('<noop>', '∅') for t in thought_ids()], fontsize=7)
        ax.set_yticks(range(len(table)), [e.show(v) for v in e.counts], fontsize=7)
    fig.colorbar(image, ax=axes, label='share of the uses')
    fig.supxlabel('token (∅: <noop>)')
    return fig


def compare_runs():
    "Each run with each, on the same problems, half of them carry-biased."
    began = time.perf_counter()
    runs = {p.stem: json.loads(p.read_text()) for p in sorted((RESULTS/'runs').glob('*.json'))}
    models = {run: load_model(Path(os.environ.get('RUNS', 'runs'))/run) for run in runs}
    limits = problem_config(next(iter(models.values())).meta, carry_bias=0.5)
    problems = draw(limits, N_COMPARED, np.random.default_rng(6))
    thoughts = {run: think(model, problems) for run, model in models.items()}
    found = [dict(a=a, b=b, pairs=pairs, information=table.round(4).tolist())
             for a, b in itertools.combinations(runs, 2)
             for table, pairs in [compare(thoughts[a], thoughts[b])]]
    pairs = [dict(run_a=f['a'], run_b=f['b']) | p for f in found for p in f['pairs']
             if p['information'] > 0.1]
    note = ('Shares of the problems on which the thought is read right, and on which a rewritten '
            'thought has exactly the effect that it should have; '
            'for pairs of places, the adjusted mutual information, and how often the renamed '
            'thought of the one is that of the other.')
    write_results(RESULTS/'compared.json',
                  'What invented chains say: every place of every run, and places that two runs '
                  'share', f'{COMMAND} --compare',
                 [r['seeds'][0] for r in runs.values()], time.perf_counter() - began, replace=True,
                  note=note, places=list(summary(runs)), shared=pairs,
                 tables={f"{f['a']} {f['b']}": [dict(information=f['information'])] for f in found})


if __name__ == '__main__':
    if len(sys.argv) < 2: sys.exit(__doc__)
    if sys.argv[1] == '--compare': compare_runs()
    else:
        for folder in map(Path, sys.argv[1:]): study_run(folder)
