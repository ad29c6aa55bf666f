#!/usr/bin/env python
"""The runs behind the page "Which way of inventing works?"

    python nbs/explanations/ways/study.py list                   what is planned, done and missing
    python nbs/explanations/ways/study.py run                    carry out what is missing, in order
    python nbs/explanations/ways/study.py run --only moves5-relaxed-1 'tune-*'     these alone
    python nbs/explanations/ways/study.py run --minutes 90       begin no run after 90 minutes

Five ways to let a model find its own chain of thought from the answer alone, and two controls,
each in a file of its own beside this one, share one model, optimiser, batch and number of steps. A
run is named problem-way-seed. When it ends, results/NAME.json appears; a run that was stopped
begins anew. A condition is a result when its three seeds are done. Where they disagree about
getting to 99 %, two more are planned.

The tuning runs come first: three settings for each way, seed 0, three moves. The settings with the
most right answers are used in all other runs of that way. Every run ends early when two
measurements in a row are at 99 %, or when half of its steps brought less than 5 points over chance.
Training needs gcc (quick.py); everything else does not.
"""

import argparse
import gc
import importlib
import json
import sys
import time
from fnmatch import fnmatch
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from problems import Moves, Sums
from quick import Quick
from tracking import Tracking

from math_llm.evaluation import share
from math_llm.gumbel import ramp
from math_llm.model import Meta, ModelConfig, Transformer
from math_llm.results import write_results
from math_llm.tokenizer import END_THINK, THINK

RESULTS = Path(__file__).parent / 'results'
WAYS = ('relaxed', 'none', 'straight', 'reinforce', 'quantised', 'empty', 'hardened')
SEEDS, MORE = (1, 2, 3), (4, 5)  # two more where the first three disagree
BAR = 0.8  # of a running mean of the training accuracy: then one more step is asked for
THERE, HOPE = 0.99, 0.05  # exact match at which a run ends; above chance, else it ends halfway
DECAY = 0.01
HOLD, WARMUP, EVERY, N_CURVE, N_TEST, N_SOME = 0.5, 100, 250, 1000, 5000, 2000

PROBLEMS = dict(
    moves3=(partial(Moves, 3), dict(steps=1500, batch=128)),  # for tuning
    moves5=(partial(Moves, 5), dict(steps=3000, batch=128)),
    moves5_whole=(partial(Moves, 5), dict(steps=3000, batch=128, curriculum=False)),
    moves7=(partial(Moves, 7), dict(steps=4000, batch=128)),
    moves7_whole=(partial(Moves, 7), dict(steps=4000, batch=128, curriculum=False)),
    sums8=(Sums, dict(steps=3000, batch=128, curriculum=False)),
)
# Our recipe is `relaxed` with a curriculum; one part of it is left out at a time. What it does
# without the curriculum is moves5_whole-relaxed, without relaxed samples moves5-straight.
PARTS = dict(
    no_noise=dict(noise=(0.0, 0.0)),
    no_hiding=dict(hide=(0.0, 0.0)),
    no_cooling=dict(temperature=(1.0, 1.0)),
)
SIZES = 10**3, 10**4, 10**5  # training rows of state tracking


def load(name):
    return json.loads((RESULTS / f'{name}.json').read_bytes())


def disagree(condition):
    "Do some of the first seeds get to 99 %, and others not?"
    names = [f'{condition}-{seed}' for seed in SEEDS]
    return all(map(done, names)) and len({there(load(n)['curve']) for n in names}) == 2


def there(curve):
    "Does a run get to 99 %?"
    return any(point[2] >= THERE for point in curve)


def tuned(way):
    "The settings of a way with the most right answers in its tuning runs; None if one is missing"
    choices = importlib.import_module(way).Chosen.tuning
    names = [f'tune-{way}_{i + 1}-0' for i in range(len(choices))]
    if not all(map(done, names)):
        return None
    found = [load(n) for n in names]
    steps = [r['curve'][-1][0] for r in found]  # of equally good ones the first to end
    best = max(range(len(found)), key=lambda i: (found[i]['exact_match']['count'], -steps[i]))
    return choices[best]


def plan():
    "Every run: its name, and what `train` is given. In the order in which they are carried out."
    runs = {}

    def add(name, problem, way, how, seed, **changed):
        runs[f'{name}-{seed}'] = dict(problem=problem, way=way, seed=seed, changed=changed, **how)

    def cells(problem, *ways):
        make, how = PROBLEMS[problem]
        for way, seed in product(ways or WAYS, SEEDS):
            add(f'{problem}-{way}', make, way, how, seed)

    for way in WAYS:
        make, how = PROBLEMS['moves3']
        for i, changed in enumerate(importlib.import_module(way).Chosen.tuning):
            add(f'tune-{way}_{i + 1}', make, way, how, 0, **changed)
        cells('moves5', way)
    cells('moves5_whole')
    make, how = PROBLEMS['moves5']
    for part, changed in PARTS.items():
        for seed in SEEDS:
            add(f'parts-{part}', make, 'relaxed', how, seed, **changed)

    def track(length):
        how = dict(steps=2000, batch=128)
        for group, size, way in product(('Z2', 'Z5', 'S5'), SIZES, ('relaxed', 'none', 'taught')):
            made = partial(Tracking, group, length, size)
            for seed in SEEDS:
                add(f'{group}_{length}_{size}-{way}', made, way, how, seed)

    track(5)
    for problem in ('sums8', 'moves7', 'moves7_whole'):
        cells(problem)
    track(10)
    for name, options in list(runs.items()):
        condition = name[:-2]
        if name.endswith('-1') and disagree(condition):
            runs |= {f'{condition}-{seed}': options | dict(seed=seed) for seed in MORE}
    return runs


@torch.no_grad()
def right(model, batch, thoughts):  # (b, m), or (b, 0) for none
    "Which problems (b,) the model answers right behind these thoughts, greedily"
    p, answers = batch.longest[0], batch.tokens[:, batch.longest[0] :]
    parts = [batch.tokens[:, :p], answers]
    if thoughts.shape[1]:
        think, end = (torch.full_like(thoughts[:, :1], t) for t in (THINK, END_THINK))
        parts[1:1] = [think, thoughts, end]
    logits = model(torch.cat(parts, 1))[:, -answers.shape[1] - 1 : -1]
    return (logits.argmax(-1) == answers).all(1)


def told(thoughts, facts):  # (b, m) tokens, (b, f) small numbers
    "For each fact: how often the thought that tells it best is right, on the other half"
    half, found = len(facts) // 2, []
    for fact in facts.T:
        best = 0
        for tokens in thoughts.T:
            words = np.zeros((16, 10), int)
            np.add.at(words, (tokens[:half], fact[:half]), 1)
            best = max(best, int((words.argmax(1)[tokens[half:]] == fact[half:]).sum()))
        found.append(share(best, len(facts) - half))
    return found


def measure(way, problem, seed):
    "Exact match at each length, whether the thoughts are needed, and what they tell"
    model, most, rng = way.model.eval(), problem.most, np.random.default_rng([seed, 1])
    way.eval()

    def asked(n, m):
        items = problem.draw(n, rng, m, test=True)
        batch = problem.batch(items, m, way.counted)
        return items, batch, way.thoughts(batch, problem.n_thoughts(m))

    by_length = {}
    for m in sorted({*range(1, most + 1), problem.test_at}):
        items, batch, thoughts = asked(N_TEST if m == most else N_SOME, m)
        by_length[str(m)] = share(int(right(model, batch, thoughts).sum()), len(thoughts))
    items, batch, thoughts = asked(N_SOME, most)
    report = dict(exact_match=by_length[str(most)], by_length=by_length)
    if thoughts.shape[1]:
        others = batch[torch.arange(len(batch)).roll(1)]
        lent = thoughts.roll(1, 0)
        theirs = batch.tokens.clone()
        theirs[:, batch.longest[0] :] = others.tokens[:, batch.longest[0] :]
        follows = type(batch)(theirs, batch.prompt_lengths, batch.lengths)
        report['swapped'] = dict(
            right=share(int(right(model, batch, lent).sum()), len(lent)),
            of_the_other=share(int(right(model, follows, lent).sum()), len(lent)),
        )
        report['told'] = told(thoughts.numpy(), problem.facts(items))
    return report


def make(problem, way, changed, kind=Transformer):
    "The model of all runs, one layer of width 64, and the way around it"
    model = kind(
        ModelConfig.from_size('xsmall', position='rope', max_length=problem.max_length)
    )
    model.meta = Meta('none')
    return importlib.import_module(way).Chosen(model, **changed)


def descend(loss, way, rate, own, optimizer):
    "Gradients, clipped together; one step of Muon and AdamW"
    loss.backward()
    grads = [way.model.grads, *(p.grad for p in own)]
    scale = min(1.0, 1.0 / (float(sum(g.square().sum() for g in grads)) ** 0.5 + 1e-6))
    way.model.update(rate, DECAY, scale)
    if own:
        optimizer.param_groups[0]['lr'] = rate
        for p in own:
            p.grad *= scale
        optimizer.step()
        optimizer.zero_grad()


def looked_at(way, problem, step):
    "Exact match on some test problems"
    way.eval()
    items = problem.draw(N_CURVE, np.random.default_rng(step), problem.most, test=True)
    batch = problem.batch(items, problem.most, way.counted)
    thoughts = way.thoughts(batch, problem.n_thoughts(problem.most))
    exact = right(way.model, batch, thoughts).sum().item() / len(batch)
    way.train()
    return exact


def over(curve, steps, chance):
    "Does a run end here? At the bar twice in a row, or hopeless at half of its steps"
    exact = [point[2] for point in curve]
    late = curve[-1][0] >= steps / 2
    return min([0, *exact][-2:]) >= THERE or late and max(exact) < chance + HOPE


def train(name, problem, way, seed, changed, steps, batch, curriculum=True):
    "One run: the way with its model, and the curve of step, length, exact match, loss, seconds"
    torch.manual_seed(seed)
    rng, way = np.random.default_rng(seed), make(problem, way, changed, Quick)
    most, own = problem.most, [p for n, p in way.named_parameters() if not n.startswith('model.')]
    optimizer = torch.optim.AdamW(own, betas=(0.9, 0.98), weight_decay=DECAY) if own else None
    frontier, mean, curve, began = 1 if curriculum else most, 0.0, [], time.process_time()
    for step in range(steps):
        way.set_progress(step / steps)
        rate = way.rate * min(1.0, (step + 1) / WARMUP) * ramp(1.0, 0.0, step / steps, HOLD)
        m = frontier if not curriculum or rng.random() < 0.5 else int(rng.integers(1, frontier + 1))
        asked = problem.batch(problem.draw(batch, rng, m), m, way.counted)
        loss, hits = way.losses(asked, problem.n_thoughts(m))
        descend(loss, way, rate, own, optimizer)
        if m == frontier:
            mean += 0.05 * (float(hits.float().mean()) - mean)
            if mean > BAR and frontier < most:
                frontier, mean = frontier + 1, 0.0
        if (step + 1) % EVERY == 0:
            gc.collect()
            exact = looked_at(way, problem, step)
            seconds = round(time.process_time() - began, 1)
            curve.append([step + 1, frontier, exact, loss.item(), seconds])
            print(f'{name}: step {step + 1:,}  length {frontier}  exact {exact:.3f}', flush=True)
            if over(curve, steps, problem.chance):
                break
    return way, curve


def run(name, options):
    "Train, measure, write the results file."
    began, problem = time.process_time(), options['problem']()
    if not name.startswith('tune-') and options['way'] in WAYS:
        options['changed'] = tuned(options['way']) | options['changed']
    way, curve = train(name, **options | dict(problem=problem))
    write_results(
        RESULTS / f'{name}.json',
        name,
        f'python nbs/explanations/ways/study.py run --only {name}',
        [options['seed']],
        round(time.process_time() - began, 1),
        note='Seconds are processor time, evaluations included.',
        condition=name.rpartition('-')[0],
        way=options['way'],
        settings=way.now,
        steps=options['steps'],
        batch=options['batch'],
        parameters=sum(p.numel() for p in way.parameters()),
        curve=curve,
        **measure(way, problem, options['seed']),
    )


def done(name):
    return (RESULTS / f'{name}.json').exists()


def ready(name, way):
    "Can this run begin? All but the tuning runs wait for the tuning of their way"
    return name.startswith('tune-') or way not in WAYS or tuned(way) is not None


def listed(runs):
    "The plan as text: each condition with its seeds, done or missing"
    lines = {}
    for name in runs:
        condition, _, seed = name.rpartition('-')
        lines.setdefault(condition, []).append(f'{seed} {"done" if done(name) else "missing"}')
    n = sum(map(done, runs))
    rows = [f'{condition:24} {", ".join(seeds)}' for condition, seeds in lines.items()]
    return '\n'.join([*rows, f'{len(runs)} runs planned, {n} done, {len(runs) - n} missing'])


def main(argv):
    parser = argparse.ArgumentParser(description='The runs of "Which way of inventing works?"')
    parser.add_argument('what', choices=('list', 'run'))
    parser.add_argument('--only', nargs='+', metavar='NAME', help='names or patterns')
    parser.add_argument('--minutes', type=float, help='begin no run after this time')
    args, runs, began = parser.parse_args(argv), plan(), time.monotonic()
    chosen = {n: o for n, o in runs.items() if any(fnmatch(n, p) for p in args.only or ['*'])}
    if not chosen:
        parser.error(f'no such run: {", ".join(args.only)}')
    if args.what == 'list':
        return print(listed(chosen))
    torch.set_num_threads(1)
    gc.disable()  # the collector would look at every step's graph
    for name, options in chosen.items():
        if args.minutes and time.monotonic() - began > 60 * args.minutes:
            return
        if not done(name) and ready(name, options['way']):
            run(name, options)


if __name__ == '__main__':
    main(sys.argv[1:])
