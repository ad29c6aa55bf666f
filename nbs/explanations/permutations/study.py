#!/usr/bin/env python
"""The runs behind the page "A problem that needs steps": where does a ball end after seven moves?

    python nbs/explanations/permutations/study.py  what there is to run, and what is done
    python nbs/explanations/permutations/study.py RUN [RUN ...]       carry these out

The question: what does one layer gain from a chain, taught or invented, where each step needs
the one before? The plan: train the same model in the conditions below, with the same optimiser,
steps and curriculum; measure exact match by the number of moves, which position each thought
tells, and what happens when thoughts are swapped between puzzles.

A run is named condition-seed, such as invented-1. It takes some minutes on one core; when it
ends, its model lies in runs/ (which git ignores), and results/RUN.json appears beside this file,
and is not made again.
"""

import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from math_llm.decoding import generate
from math_llm.evaluation import share
from math_llm.files import load_model, save_model
from math_llm.gumbel import ramp
from math_llm.hiding import HidingAnswer, HidingConfig
from math_llm.learning import TeacherForcing
from math_llm.model import Meta, ModelConfig, Transformer
from math_llm.permutations import Puzzles
from math_llm.results import write_results
from math_llm.settings import TrainingConfig
from math_llm.steps import make_optimizers, set_learning_rate
from math_llm.tokenizer import VOCAB, decode, decode_batch

sys.path.append(str(Path(__file__).resolve().parents[3] / 'scripts'))
from studies import RUNS, choose

RESULTS = Path(__file__).parent / 'results'
MOVES = 7

# What all conditions share: model, optimiser, batch, steps, and (but for two) a curriculum over the
# number of moves.
STEPS, BATCH, RATE, WARMUP = 8000, 256, 1e-3, 100
HOLD = 0.5  # up to here learning rate, temperature and noise stay, then they change linearly
BAR = 0.8  # of a running mean of the training accuracy: then there is one more move
GUMBEL = dict(
    noise=(0.25, 1.0), temperature=(1.0, 0.3), hide=(0.5, 0.0)
)  # at the start and at the end
CONDITIONS = dict(
    invented={},
    none=dict(chain='none', counted=True),
    noop=dict(chain='noop', counted=True),
    taught=dict(chain='taught', counted=True),
    counted=dict(counted=True),  # invented, and the puzzle says how many moves are asked for
    whole=dict(curriculum=False),  # invented, all seven moves from the start
    none_whole=dict(chain='none', curriculum=False),
    seen=dict(hide=(0.0, 0.0)),  # invented, and the answer may always look at the puzzle
    straight=dict(hard=True),  # invented with straight-through samples
    learned=dict(position='learned'),  # invented with learned positions
    again=dict(begin='invented', steps=2000, batch=128),  # goes on with an invented one
)
SEEDS = dict(
    invented=5,
    none=3,
    noop=3,
    taught=3,
    counted=3,
    whole=3,
    none_whole=3,
    seen=3,
    straight=3,
    learned=3,
    again=1,
)
N_TEST, N_SOME = 10_000, 2_000


def ask(model, puzzles, m, counted, thoughts=None):
    "What the model writes (n, t), decoded greedily; or what follows given thoughts (n, m)."
    model.meta.thought_tokens = m if model.meta.chain in ('invented', 'noop') else None
    batch = puzzles.batch(m, 'none', counted)
    prompts = decode_batch(batch.tokens, batch.prompt_lengths)
    if thoughts is not None:
        prompts = [f'{p}<think>{decode(row)}</think>' for p, row in zip(prompts, thoughts.tolist())]
    return generate(model, prompts).tokens.numpy()


def right(written, puzzles, m=MOVES):
    "The share of right answers."
    found = puzzles.judge(written, m)
    return share(int(found.sum()), len(found))


def read_thoughts(thoughts, positions):
    "What each thought says for each position, and how often this is right on the other half."
    half, i = len(thoughts) // 2, np.arange(MOVES)
    words = np.array(
        [
            [
                np.bincount(thoughts[:half][positions[:half, k] == p, k], minlength=len(VOCAB))
                for p in range(5)
            ]
            for k in i
        ]
    )
    agrees = (
        words.argmax(1)[i, thoughts[half:]] == positions[half:]
    )  # (thought, token) -> likeliest position
    return dict(words=words.tolist(), told=[share(int(t.sum()), len(t)) for t in agrees.T])


def measure(model, chain, counted, seed):
    "Exact match by the number of moves, and what the thoughts are worth."
    by_moves, rng = [], np.random.default_rng([seed, 1])
    for m in range(1, MOVES + 1):
        puzzles = Puzzles.draw(N_TEST if m == MOVES else N_SOME, rng, m, test=m == MOVES)
        written = ask(model, puzzles, m, counted)
        by_moves.append(right(written, puzzles, m))
    report = dict(by_moves=by_moves, exact_match=by_moves[-1])
    if chain in ('invented', 'taught') and written.shape[1] >= MOVES + 2:
        thoughts = written[:, 1 : MOVES + 1]  # behind <think>
        report |= read_thoughts(thoughts, puzzles.positions(MOVES))
        some, other = puzzles[:N_SOME], np.roll(np.arange(len(puzzles)), 1)[:N_SOME]
        swapped = ask(model, some, MOVES, counted, thoughts[other])
        report['swapped'] = dict(
            right=right(swapped, some), of_the_other=right(swapped, puzzles[other])
        )
    return report


def make_model(chain, position):
    "One layer, and what it knows of its chain. A taught one is decoded freely, as in a sum."
    model = Transformer(ModelConfig.from_size('xsmall', position=position, max_length=32))
    model.meta = Meta(
        {'taught': 'columns'}.get(chain, chain), MOVES if chain in ('invented', 'noop') else None
    )
    return model


def make_objective(model, chain, hard):
    "What is minimised. A model that invents answers without seeing `hidden_share` of the puzzle."
    if chain != 'invented':
        return TeacherForcing(model, 0.0)
    config = HidingConfig(use_gumbel=True, supervise='answer', gumbel_hard=hard)
    return HidingAnswer(model, MOVES, config)


def train(
    name,
    chain='invented',
    curriculum=True,
    counted=False,
    hard=False,
    position='rope',
    begin=None,
    steps=STEPS,
    batch=BATCH,
    **gumbel,
):
    "One run: its model, and its curve of step, number of moves, exact match and loss."
    seed, g, thinks = int(name.rpartition('-')[2]), GUMBEL | gumbel, chain == 'invented'
    torch.manual_seed(seed)
    rng, model = np.random.default_rng(seed), make_model(chain, position)
    if begin:
        model = load_model(RUNS / f'permutations-{begin}-{seed}').train()
    objective = make_objective(model, chain, hard)
    optimizers = make_optimizers(model, TrainingConfig(weight_decay=0.01))
    objective.train()
    frontier, mean, curve = 1 if curriculum and not begin else MOVES, 0.0, []
    for step in range(steps):
        set_learning_rate(
            optimizers, RATE * min(1.0, (step + 1) / WARMUP) * ramp(1.0, 0.0, step / steps, HOLD)
        )
        m = frontier if not curriculum or rng.random() < 0.5 else int(rng.integers(1, frontier + 1))
        if thinks:
            now = {k: ramp(*ends, step / steps, HOLD) for k, ends in g.items()}
            objective.n_thoughts, objective.noise_scale, objective.hidden_share = (
                m,
                now['noise'],
                now['hide'],
            )
            objective.temperature = torch.tensor(now['temperature'])
        loss, weight, hits, n = objective(
            Puzzles.draw(batch, rng, m).batch(m, chain, counted)
        )
        (loss / weight).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for o in optimizers:
            o.step()
            o.zero_grad(set_to_none=True)
        if m == frontier:
            mean += 0.05 * (
                1 - float(n - hits) / batch - mean
            )  # every token that is wrong counts as a puzzle
            if mean > BAR and frontier < MOVES:
                frontier, mean = frontier + 1, 0.0
        if (step + 1) % 250 == 0:
            test = Puzzles.draw(1000, np.random.default_rng(step), test=True)
            model.eval()
            exact = right(ask(model, test, MOVES, counted), test)['share']
            model.train()
            curve.append([step + 1, frontier, exact, loss.item() / weight.item()])
            print(
                f'{name}: step {step + 1:,}  {frontier} moves  loss {curve[-1][3]:.4f}  '
                f'exact match {100 * exact:.1f} % of 1,000 puzzles of {MOVES} moves',
                flush=True,
            )
    return model.eval(), curve


def run(name, path):
    "Train, measure, write the results file."
    condition, seed = name.rsplit('-', 1)
    options, began = CONDITIONS[condition], time.perf_counter()
    model, curve = train(name, **options)
    seconds, chain = round(time.perf_counter() - began, 1), options.get('chain', 'invented')
    save_model(model, RUNS / f'permutations-{name}')
    write_results(
        path,
        name,
        f'python nbs/explanations/permutations/study.py {name}',
        [int(seed)],
        seconds,
        condition=condition,
        chain=chain,
        steps=options.get('steps', STEPS),
        parameters=model.n_params(),
        curve=curve,
        **measure(model, chain, options.get('counted', False), int(seed)),
    )


def plan():
    "Names of all runs, in the order in which they are worth doing."
    return [f'{condition}-{seed}' for condition, n in SEEDS.items() for seed in range(1, n + 1)]


if __name__ == '__main__':
    choose(sys.argv[1:], plan(), RESULTS, run)
