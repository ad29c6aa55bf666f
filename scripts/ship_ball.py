#!/usr/bin/env python
"""Measure a finished run of the puzzle and write it as the model to ship.

    python scripts/ship_ball.py FOLDER SEED RUN

RUN is a folder that nbs/explanations/permutations/study.py left in runs/, such as
runs/permutations-again-1. FOLDER gets `model.safetensors` in 16 bits with `config.json`,
`training_config.json` with the commands and what the runs trained with, and `test_results.json`:
20,000 held-out puzzles drawn with SEED, answered by the 16-bit weights; fewer moves; thoughts of
other puzzles; one thought rewritten; which position each token means in each thought; and on how
many of 5,000 puzzles the text is that of the 32-bit weights. A card has to be written by hand.
Nothing is overwritten.
"""
import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from math_llm.evaluation import share
from math_llm.files import load_model, save_model
from math_llm.gumbel import rollout
from math_llm.options import InputError
from math_llm.permutations import PERMUTATIONS, Puzzles
from math_llm.results import write_json
from math_llm.tokenizer import THINK, VOCAB

sys.path.append(str(Path(__file__).resolve().parents[1]/'nbs/explanations/permutations'))
import study

N, N_SOME, N_COMPARED = 20_000, 5_000, 5_000


@torch.no_grad()
def think_on(model, puzzles, begun):
    "All thoughts, from the first ones (n, i) on"
    tokens = F.pad(puzzles.batch(study.MOVES).tokens[:, :-2], (0, 1), value=THINK)
    mask, begun = model.meta.thought_mask(), torch.from_numpy(begun)

    def sample(logits, i):
        best = logits.masked_fill(~mask, -torch.inf).argmax(-1)
        return F.one_hot(begun[:, i] if i < begun.shape[1] else best, len(VOCAB)).float()

    lengths = torch.full((len(tokens),), tokens.shape[1])
    return rollout(model, tokens, lengths, study.MOVES, sample)[0].argmax(-1).numpy()


def rewritten(model, puzzles, thoughts, words, rng):
    "One thought of each puzzle tells another position: how often the answer follows, by thought"
    found, token, place_of = [], words.argmax(-1), words.argmax(1)  # of a position; of a token
    for i in range(study.MOVES):
        place = (place_of[i, thoughts[:, i]] + rng.integers(1, 5, len(puzzles))) % 5
        new = think_on(model, puzzles, np.c_[thoughts[:, :i], token[i, place]])
        written = study.ask(model, puzzles, study.MOVES, False, new)
        for d in puzzles.moves[:, i+1:].T: place = PERMUTATIONS[d, place]
        found.append(share(int((written[:, 0] == place).sum()), len(puzzles)))
    return found


def history(name):
    "What the run trained with, and before it the run that it goes on from"
    condition, _, seed = name.rpartition('-')
    options = study.CONDITIONS[condition]
    before = history(f"{options['begin']}-{seed}") if 'begin' in options else []
    own = dict(command=f'python nbs/explanations/permutations/study.py {name}', seed=int(seed),
               steps=options.get('steps', study.STEPS),
               batch_size=options.get('batch', study.BATCH), learning_rate=study.RATE,
               warmup_steps=study.WARMUP, optimizer='muon', hold=study.HOLD, bar=study.BAR,
               **study.GUMBEL)
    return [*before, own]


def main(folder, seed, run):
    "Write the folder."
    folder, seed, run = Path(folder), int(seed), Path(run)
    if folder.exists(): sys.exit(f'{folder} is there already')
    name = run.name.removeprefix('permutations-')
    if name.rpartition('-')[0] not in study.CONDITIONS:
        raise InputError(f'{run} is no run of the study; accepted: runs/permutations-again-1')
    full = load_model(run).eval()
    full.meta.trained_on = dict(puzzle='permutations', moves=study.MOVES)
    save_model(full, folder, torch.bfloat16)
    model, rng = load_model(folder).eval(), np.random.default_rng(seed)
    puzzles = Puzzles.draw(N, rng, test=True)
    written = study.ask(model, puzzles, study.MOVES, False)
    some, thoughts = puzzles[:N_SOME], written[:, 1:study.MOVES + 1]
    told = study.read_thoughts(thoughts, puzzles.positions(study.MOVES))
    swapped = study.ask(model, some, study.MOVES, False, np.roll(thoughts, 1, 0)[:N_SOME])
    others = puzzles[np.roll(np.arange(N), 1)[:N_SOME]]
    same = (study.ask(full, some, study.MOVES, False)[:N_COMPARED] ==
            written[:N_COMPARED]).all(1)
    by_moves = {}
    for m in range(1, study.MOVES):
        short = Puzzles.draw(N_SOME, rng, m)
        by_moves[str(m)] = study.right(study.ask(model, short, m, False), short, m)
    model.meta.thought_tokens = study.MOVES
    results = dict(same_answers_in_16_and_32_bits=share(int(same.sum()), N_COMPARED), seed=seed,
                   exact_match=study.right(written, puzzles), by_fewer_moves=by_moves,
                   told_by_thought={str(i + 1): t for i, t in enumerate(told['told'])},
                   thoughts_of_another_puzzle=dict(
                       right=study.right(swapped, some),
                       answer_of_the_other=study.right(swapped, others)),
                   one_thought_rewritten={str(i + 1): r for i, r in enumerate(
                       rewritten(model, some, thoughts[:N_SOME], np.array(told['words']), rng))},
                   words=told['words'])
    made = dict(phases=history(name))
    made['commands'] = [p.pop('command') for p in made['phases']]
    for file, what in (('test_results', results), ('training_config', made)):
        write_json(folder/f'{file}.json', what)
    print(json.dumps({k: v for k, v in results.items() if k != 'words'}, indent=1))


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('folder', metavar='FOLDER')
    p.add_argument('seed', metavar='SEED')
    p.add_argument('run', metavar='RUN')
    o = p.parse_args()
    if not o.seed.isdigit(): p.error(f'SEED is a whole number, not {o.seed}')
    try: main(o.folder, o.seed, o.run)
    except (InputError, OSError, ValueError) as e: sys.exit(f'{Path(__file__).name}: {e}')
