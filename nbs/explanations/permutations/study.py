#!/usr/bin/env python
"""The runs behind the page "A problem that needs steps": where does a ball end after seven moves?

    python nbs/explanations/permutations/study.py                     what there is to run, and what is done
    python nbs/explanations/permutations/study.py RUN [RUN ...]       carry these out

A run is named condition-seed, such as invented-1. It takes some minutes on one core; when it ends, its model lies in runs/
(which git ignores), and nbs/explanations/permutations/results/RUN.json appears, and is not made again.
"""
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from math_llm.learning import Batch
from math_llm.decoding import generate
from math_llm.evaluation import share
from math_llm.gumbel import GumbelAnswer, GumbelConfig
from math_llm.model import Meta, ModelConfig, Transformer
from math_llm.files import save_model
from math_llm.tokenizer import END, EQUALS, NOOP, THINK, END_THINK, VOCAB
from math_llm.learning import TeacherForcing
from math_llm.training import TrainingConfig, make_optimizers, set_learning_rate

sys.path.append(str(Path(__file__).parents[3]/'scripts'))
from studies import RUNS, choose, write_result

RESULTS = Path(__file__).parent/'results'

# The problem. A ball lies at one of five places; a digit moves it from place i to place PERMUTATIONS[digit, i].
MOVES, PLACES = 7, 5
PERMUTATIONS = np.stack([np.random.default_rng([2026, digit]).permutation(PLACES) for digit in range(10)])

# What all conditions share: model, optimiser, batch, steps, and (but for two) a curriculum over the number of moves.
STEPS, BATCH, RATE, WARMUP = 8000, 256, 1e-3, 100
HOLD = 0.5   # up to here the learning rate and what belongs to the samples stay as they are, then fall in a straight line
BAR = 0.8    # of a running mean of the training accuracy: then there is one more move
GUMBEL = dict(noise=0.25, final_noise=1., temperature=1., final_temperature=0.3, hide=0.5)   # the hidden share falls to 0
CONDITIONS = dict(invented={}, none=dict(chain='none', told=True), noop=dict(chain='noop', told=True), taught=dict(chain='taught', told=True),
                  counted=dict(told=True),                   # invented, and the problem says how many moves are to be made
                  whole=dict(curriculum=False),              # invented, all seven moves from the start
                  none_whole=dict(chain='none', curriculum=False),
                  seen=dict(hide=0.),                        # invented, and the answer may always look at the problem
                  straight=dict(hard=True),                  # invented with straight-through samples
                  learned=dict(position='learned'))          # invented with learned positions
SEEDS = dict(invented=5, none=3, noop=3, taught=3, counted=3, whole=3, none_whole=3, seen=3, straight=3, learned=3)
N_TEST, N_SOME = 10_000, 2_000


def held_out(start, moves):
    "Which problems of seven moves are for testing: one in sixteen, by a hash."
    number = (np.concatenate([start[:, None], moves], 1) * 10**np.arange(MOVES+1)).sum(1).astype(np.uint64)
    return (number + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(60) == 0


def draw(n, m, rng, testing=False):
    "Starts (n,) and moves (n, 7) of problems of `m` moves; the last ones are not made."
    start, moves = np.zeros(0, int), np.zeros((0, MOVES), int)
    while len(start) < n:
        s, d = rng.integers(0, PLACES, 2*n), rng.integers(0, 10, (2*n, MOVES))
        keep = held_out(s, d) == testing if m == MOVES else np.ones(len(s), bool)
        start, moves = np.concatenate([start, s[keep]]), np.concatenate([moves, d[keep]])
    return start[:n], moves[:n]


def follow(start, moves, m):
    "Where the ball is after each of the first `m` moves (n, m)."
    at, found = start, []
    for i in range(m):
        at = PERMUTATIONS[moves[:, i], at]
        found.append(at)
    return np.stack(found, 1)


def write(start, moves, m, chain, told):
    "Problems as tokens: the start, seven moves, `=`, a chain of `m` thoughts, where the ball ends after `m` moves. `told`: the problem begins with `m`."
    n, places = len(start), follow(start, moves, m)
    prompt = [np.full((n, 1), m)] * told + [start[:, None], moves, np.full((n, 1), EQUALS)]
    thoughts = dict(taught=places, noop=np.full((n, m), NOOP)).get(chain)
    middle = [] if thoughts is None else [np.full((n, 1), THINK), thoughts, np.full((n, 1), END_THINK)]
    tokens = torch.from_numpy(np.concatenate([*prompt, *middle, places[:, -1:], np.full((n, 1), END)], 1))
    return Batch(tokens, torch.full((n,), MOVES + 2 + told), torch.full((n,), tokens.shape[1]))


def texts(start, moves, m, told):
    "The prompts as text."
    tokens = write(start, moves, m, 'none', told).tokens[:, :-2].tolist()
    return [''.join(VOCAB[t] for t in row) for row in tokens]


def ask(model, start, moves, m, told, thoughts=None):
    "What the model writes (n, t), decoded as all models here are: the likeliest token at every step; or what follows given thoughts (n, m)."
    model.meta.thought_tokens = m if model.meta.chain in ('invented', 'noop') else None
    prompts = texts(start, moves, m, told)
    if thoughts is not None: prompts = [p + '<think>' + ''.join(VOCAB[t] for t in row) + '</think>' for p, row in zip(prompts, thoughts)]
    return generate(model, prompts).tokens.numpy()


def answers(written):
    "The last token before <end> (n,), -1 where there is none."
    end = (written == END).argmax(1)
    return np.where(end > 0, written[np.arange(len(written)), end - 1], -1)


def measure(model, chain, told, seed):
    "Exact match by the number of moves, and what the thoughts are worth."
    report, rng = dict(by_moves=[]), np.random.default_rng([seed, 1])
    for m in range(1, MOVES + 1):
        start, moves = draw(N_TEST if m == MOVES else N_SOME, m, rng, testing=m == MOVES)
        written, places = ask(model, start, moves, m, told), follow(start, moves, m)
        right = answers(written) == places[:, -1]
        report['by_moves'].append(share(int(right.sum()), len(right)))
    report['exact_match'] = report['by_moves'][-1]
    if chain in ('invented', 'taught') and written.shape[1] >= MOVES + 2:
        thoughts = written[:, 1:MOVES+1]                                             # behind <think>
        n, half = len(thoughts), len(thoughts) // 2
        words = [[np.bincount(thoughts[:half][places[:half, i] == p, i], minlength=len(VOCAB)) for p in range(PLACES)] for i in range(MOVES)]
        report['words'] = np.array(words).tolist()                                   # (thought, place, token): how often
        table = np.array(words).argmax(1)                                            # (thought, token) -> likeliest place
        agrees = table[np.arange(MOVES), thoughts[half:]] == places[half:]
        report['told'] = [share(int(t.sum()), n - half) for t in agrees.T]
        other = np.roll(np.arange(n), 1)[:N_SOME]
        swapped = answers(ask(model, start[:N_SOME], moves[:N_SOME], MOVES, told, thoughts[other]))
        report['swapped'] = dict(right=share(int((swapped == places[:N_SOME, -1]).sum()), N_SOME), of_the_other=share(int((swapped == places[other, -1]).sum()), N_SOME))
    return report


def train(name, chain='invented', curriculum=True, told=False, hard=False, position='rope', **gumbel):
    "One run; returns the model, its curve, and the number of moves it had come to."
    seed, g = int(name.rpartition('-')[2]), GUMBEL | gumbel
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = Transformer(ModelConfig.from_size('xsmall', position=position, max_length=32))
    model.meta = Meta({'taught': 'columns'}.get(chain, chain), MOVES if chain in ('invented', 'noop') else None) # a taught chain is decoded as the columns of a sum are: freely
    thinks = chain == 'invented'
    objective = GumbelAnswer(model, MOVES, GumbelConfig(use_gumbel=True, supervise='answer', gumbel_hard=hard)) if thinks else TeacherForcing(model, 0.)
    optimizers = make_optimizers(model, TrainingConfig())
    objective.train()
    frontier, mean, curve, wrong = 1 if curriculum else MOVES, 0., [], []
    for step in range(STEPS):
        left = min(1., (1 - step / STEPS) / (1 - HOLD))
        set_learning_rate(optimizers, RATE * min(1., (step + 1) / WARMUP) * left)
        m = frontier if not curriculum or rng.random() < 0.5 else int(rng.integers(1, frontier + 1))
        if thinks:
            objective.n_thoughts, objective.noise_scale, objective.hidden_share = m, g['final_noise'] + (g['noise'] - g['final_noise']) * left, g['hide'] * left
            objective.temperature = torch.tensor(g['final_temperature'] + (g['temperature'] - g['final_temperature']) * left)
        loss, weight, right, n = objective(write(*draw(BATCH, m, rng), m, chain, told))
        (loss / weight).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.)
        for o in optimizers: o.step(); o.zero_grad(set_to_none=True)
        if m == frontier:
            mean += 0.05 * (1 - float(n - right) / BATCH - mean)                      # every token that is wrong counts as a problem
            if mean > BAR and frontier < MOVES: frontier, mean = frontier + 1, 0.
        if (step + 1) % 250 == 0:
            test = draw(1000, MOVES, np.random.default_rng(step), testing=True)
            model.eval()
            exact = float((answers(ask(model, *test, MOVES, told)) == follow(*test, MOVES)[:, -1]).mean())
            model.train()
            curve.append([step + 1, frontier, exact, loss.item() / weight.item()])
            print(f'{name}: step {step+1:,}  {frontier} moves  loss {curve[-1][3]:.4f}  exact match {100*exact:.1f} % of 1,000 problems of {MOVES} moves', flush=True)
    return model.eval(), curve


def run(name, path):
    "Train, measure, write the results file."
    condition, seed = name.rsplit('-', 1)
    options, began = CONDITIONS[condition], time.perf_counter()
    model, curve = train(name, **options)
    seconds, chain = round(time.perf_counter() - began, 1), options.get('chain', 'invented')
    save_model(model, RUNS/f'permutations-{name}')
    write_result(path, name, f'python nbs/explanations/permutations/study.py {name}', [int(seed)], seconds, condition=condition, chain=chain, steps=STEPS,
                 parameters=model.n_params(), curve=curve, **measure(model, chain, options.get('told', False), int(seed)))


def plan():
    "Names of all runs, in the order in which they are worth doing."
    return [f'{condition}-{seed}' for condition, n in SEEDS.items() for seed in range(1, n+1)]


if __name__ == '__main__': choose(sys.argv[1:], plan(), RESULTS, run, __doc__)
