#!/usr/bin/env python
"""Whether the thoughts of a model that invents its chain are needed, followed and understood, on
draws of problems of their own (short ones are few, and may have been drawn elsewhere, too).

    python nbs/explanations/what_it_invented/needed.py FILE SEED MODEL [MODEL ...] [--problems N]

Each MODEL is a folder or a shipped name. Its code book is that in its folder, or one learned
here (from problems of other seeds); of a model for two and three operands, a book is learned for
each number of operands. FILE, a JSON file, gets the figures of all models, in these words:

- *Exact*: the share of right answers to N problems of each kind, 100,000 if nothing is said.
- *Told* is a carry whose digit of the answer follows another problem's thoughts in at least 95 % of
  the pairs whose carries differ there, measured on one half of the problems. The rest is measured
  on the other half. Both problems have as many operands.
- *Followed*: the whole answer after a swap is what arithmetic with the other problem's told carries
  and the problem's own untold ones gives.
- *Followed across*: the same with a problem of another number of operands, where there is one.
- *Right after a swap*, beside the share of pairs whose told carries *agree*; and right with random
  thoughts and with `<noop>`s.
- *Understood* is a place of the chain that tells the carry into one column and nothing else, is
  read right in 99 % and foretold in 95 % of the problems, is heard, and is obeyed in 95 % of the
  rewrites where the carry is open, or of all rewrites where it never is. Where answers depend on
  several places that tell this carry, all are rewritten together; the page does not count these.
"""
import argparse
import copy
import sys
import time
from pathlib import Path

import numpy as np
from math_llm.evaluation import evaluate, held_out_problems, share
from math_llm.codebook import Codebook, Columns, Thoughts, load_codebook
from math_llm.speaking import study
from math_llm.model import thought_ids
from math_llm.files import load_model
from math_llm.tokenizer import NOOP
from math_llm.options import InputError
from math_llm.results import write_results


N, N_SWAPPED, N_SPOKEN, TOLD = 100_000, 10_000, 2_000, 0.95
KINDS = dict(uniform=0., carry_biased=1.)


def digits(answers, width):
    "Digits (b, width) of answers, lowest first; -1 where there is no answer of this width."
    rows = [[int(c) for c in f'{a:0{width}}'[::-1]] if 0 <= a < 10**width else [-1] * width
            for a in answers.tolist()]
    return np.array(rows, int).reshape(-1, width)


def total(c, carries):
    "Digits (b, d+1) of the sums of columns `c` with these carries."
    return np.concatenate([(c.own + carries)[:, :-1] % 10, carries[:, -1:]], 1)


def following(model, thoughts, rng):
    """What becomes of answers when thoughts are swapped between problems, on one half of them, and
    how well that is foretold on the other."""
    n, half = len(thoughts), len(thoughts) // 2
    c, place = Columns(thoughts.problems), np.arange(n)
    other = np.empty(n, int) # a partner of the same half, with as many operands
    for k in np.unique(thoughts.problems.n_operands):
        for part in place < half, place >= half:
            rows = place[part & (thoughts.problems.n_operands == k)]
            other[rows] = np.roll(rows, -1)
    theirs, d = c.carries[other], c.own.shape[1]
    def answers(chains): return digits(Thoughts(thoughts.problems, chains).answers(model), d)
    swapped = answers(thoughts.tokens[other])
    as_told, differ = total(c, theirs), theirs != c.carries
    first, second = place < half, place >= half
    columns = {k: share((swapped[:, k] == as_told[:, k])[first & differ[:, k]].sum(),
                        (first & differ[:, k]).sum()) for k in range(1, d)}
    told = [k for k, s in columns.items() if s['n'] and s['share'] >= TOLD]
    def mixed(theirs):
        carries = c.carries.copy()
        carries[:, told] = theirs[:, told]
        return total(c, carries)
    truth = total(c, c.carries)
    def on_second(there): return share(there[second].sum(), second.sum())
    def right(chains): return on_second((answers(chains) == truth).all(1))
    across, two = {}, thoughts.problems.n_operands == 2
    if two.any() and not two.all(): # a partner with another number of operands
        for rows, others in (np.flatnonzero(two), np.flatnonzero(~two)), (
                np.flatnonzero(~two), np.flatnonzero(two)):
            other[rows] = np.resize(others, len(rows))
        whole = (answers(thoughts.tokens[other]) == mixed(c.carries[other])).all(1)
        across = dict(followed_across=on_second(whole))
    random = rng.choice(thought_ids(model.meta.thought_alphabet), thoughts.tokens.shape)
    return dict(follows_by_column=columns, told=told,
                followed=on_second((swapped == mixed(theirs)).all(1)), **across,
                right_after_a_swap=on_second((swapped == truth).all(1)),
                agree=on_second(~differ[:, told].any(1)),
                right_with_random=right(random),
                right_with_noops=right(np.full_like(thoughts.tokens, NOOP)))


def about(model, n, seed, bias, operands=None):
    "What a model thinks about `n` new problems, with so many operands; None: with any number"
    if operands is None:
        return Thoughts.of(model, held_out_problems(model, n, seed, carry_bias=bias))
    drawn = held_out_problems(model, 3 * n, seed, carry_bias=bias)
    return Thoughts.of(model, drawn[np.flatnonzero(drawn.n_operands == operands)[:n]])


def learned(model, operands):
    "A code book for problems with so many operands"
    tests = {kind: about(model, 5_000, i, bias, operands)
             for i, (kind, bias) in enumerate(KINDS.items(), 1)}
    return Codebook.learn(about(model, 20_000, 3, 0.5, operands), tests)


def understanding(model, book, seed, operands=None):
    "Each place of the chain, examined on new problems."
    book = copy.deepcopy(book)
    new = {kind: about(model, N_SWAPPED, seed + i, bias, operands)
           for i, (kind, bias) in enumerate(KINDS.items())}
    book.listen(model, about(model, N_SPOKEN, seed + 2, 1., operands), seed)
    statuses, rows = [entry.status for entry in book.entries], []
    book.rehearse(model, about(model, N_SPOKEN, seed + 3, 1., operands), seed)
    for i, (entry, status) in enumerate(zip(book.entries, statuses)):
        tests = {kind: entry.examine(t.problems, t.tokens[:, i]) for kind, t in new.items()}
        one = len(entry.features) == 1 and entry.features[0].kind == 'carry'
        row = dict(thought=i, speaks_of=entry.speaks_of, status=status, tests=tests,
                   heard=entry.heard, obeyed=entry.obeyed)
        good = one and all(t['read']['share'] >= 0.99 and t['foretold']['share'] >= 0.95
                           for t in tests.values())
        good = good and entry.audible and row['obeyed'] is not None
        good = good and row['obeyed']['share'] >= 0.95
        rows.append(row | dict(tells_carry_into=entry.features[0].column if one else None,
                               understood=bool(good)))
    return dict(places=rows, carries_understood=sorted({r['tells_carry_into'] for r in rows
                                                        if r['understood']}))


def examine(name, seed, n):
    "All figures of one model; exact ones of `n` problems."
    model = load_model(name).eval()
    if model.meta.chain != 'invented': raise InputError(f'{name} does not invent its chain')
    result, most = dict(model=Path(name).name), model.meta.trained_on.get('max_operands')
    for i, (kind, bias) in enumerate(KINDS.items()):
        problems = held_out_problems(model, n, seed + 10 + i, carry_bias=bias)
        exact = evaluate(model, problems, n_wrong=3)
        result[kind] = dict(exact=exact['exact_match'],
                            by_digits={k: v['share'] for k, v in exact['by_digits'].items()})
        thoughts = about(model, N_SWAPPED, seed + 20 + i, bias)
        result[kind] |= following(model, thoughts, np.random.default_rng([seed, i]))
        print(name, kind, {k: v['share'] if isinstance(v, dict) and 'share' in v else v
                           for k, v in result[kind].items()
                           if k not in ('follows_by_column', 'by_digits')}, flush=True)
    if most == 2: result |= understanding(model, load_codebook(name) or study(model), seed + 30)
    else:
        result['by_operands'] = {k: understanding(model, learned(model, k), seed + 30, k)
                                 for k in range(2, most + 1)}
    for found in result.get('by_operands', {2: result}).values():
        print(name, 'understood:', found['carries_understood'], flush=True)
    return result


def main(file, seed, *names, problems=N):
    "Examine all models and write the file."
    began, path = time.perf_counter(), Path(file)
    if path.exists(): raise InputError(f'{path} is there already')
    results = [examine(name, seed, problems) for name in names]
    command = ' '.join(['python nbs/explanations/what_it_invented/needed.py', path.name, str(seed),
                        *(Path(n).name for n in names),
                        *([f'--problems {problems}'] if problems != N else [])])
    write_results(path, 'Thoughts that are needed, followed and understood', command, [seed],
                  time.perf_counter() - began, models=results)


if __name__ == '__main__':
    p = argparse.ArgumentParser(usage=__doc__.split('\n\n')[1].strip())
    p.add_argument('file')
    p.add_argument('seed', type=int)
    p.add_argument('models', nargs='+')
    p.add_argument('--problems', type=int, default=N)
    args = p.parse_args()
    try: main(args.file, args.seed, *args.models, problems=args.problems)
    except InputError as e: sys.exit(f'{Path(__file__).name}: {e}')
