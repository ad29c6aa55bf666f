#!/usr/bin/env python
"""The models behind the last part of the page "How a taught model carries".

    python nbs/explanations/how_it_carries/study.py                     what there is to ask
    python nbs/explanations/how_it_carries/study.py NAME [NAME ...]     train models and ask them
    python nbs/explanations/how_it_carries/study.py --ask NAME FOLDER   ask a trained model

A model trains into runs/ (which git ignores) and can be stopped and started again; when it has been
asked, nbs/explanations/how_it_carries/results/NAME.json appears, and is not made again.
"""
import dataclasses
import functools
import itertools
import json
import re
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import torch
from math_llm.chains import chain_steps
from math_llm.decoding import generate
from math_llm.evaluation import evaluate, held_out_problems, share
from math_llm.files import load_model, problem_config
from math_llm.model import Transformer
from math_llm.options import InputError
from math_llm.patching import Where, carry_pairs, patch
from math_llm.problems import ProblemConfig, Problems, add, draw, held_out
from math_llm.results import subplots, write_results
from math_llm.tokenizer import VOCAB, decode, encode_batch
from math_llm.tracing import (Layout, activations, cut, find_heads, linear_probe, role_masses,
                              untrained, written)

sys.path.append(str(Path(__file__).resolve().parents[3]/'scripts'))
from studies import RUNS, choose, how

RESULTS = Path(__file__).parent/'results'

TINY = dict(model_size='xsmall', max_operands=2, optimizer='adamw', batch_size=64, max_steps=900,
            prompt_loss_weight=0., eval_steps=900, test_examples=500)
KINDS = {'one-layer': dict(TINY, zero_pad=True, position='learned', learning_rate=5e-3),
         'two-layers': dict(TINY, n_layers=2, learning_rate=3e-3),
         # the main job as it is
         'small': dict()}
SEEDS = {'one-layer': (1, 2, 3), 'two-layers': (1, 2), 'small': (42, 43, 44)}
N_PROBLEMS, N_ASKED = 1000, 600
# what a `columns` chain consists of
STEP = 'digit', 'step plus', 'carry plus', 'carry', 'step equals', 'tens', 'ones'
SUBTASKS = ('sum modulo ten', 'makes a carry', 'is a nine', 'carry passed along')
_COLOURS = ('#0072b2', '#e69f00', '#009e73', '#cc79a7', '#d55e00')


def plan():
    "Names of all models."
    return [f'{kind}-{seed}' for kind, seeds in SEEDS.items() for seed in seeds]


def config(name):
    "The training configuration of a model."
    from math_llm.training import TrainingConfig
    kind, seed = name.rsplit('-', 1)
    return TrainingConfig(**KINDS[kind], seed=int(seed), wandb=False, output_dir=str(RUNS/name))


def _need_columns(model):
    "Refuse a model whose chain has no steps"
    if model.meta.chain != 'columns': raise InputError(f'this asks about the steps of a `columns` '
                                                       f'chain; this model writes: '
                                                       f'{model.meta.chain}')


def carry_probe(model: Transformer, # With a `columns` chain
                problems: Problems, # Those whose first operand has two digits or more are used
                seed: int = 0, # Decides which column of each problem is asked for, and the halves
               # By `model`, `untrained`, `shuffled`, `before`: a probe's result for the embedding
               # and after each layer
               ) -> dict[str, list[dict]]:
    """How well the carry into a column can be read where it is needed, beside three controls;
    raises `InputError` without such a chain"""
    _need_columns(model)
    problems, rng = problems[problems.n_digits[:, 0] > 1], np.random.default_rng(seed)
    texts = written(model, problems)
    column = rng.integers(1, problems.n_digits[:, 0])
    carry = add(problems.digits)[1][np.arange(len(column)), column]
    layout = Layout.of(texts)
    needed = layout.writes.where('carry plus', 'step equals')
    at = np.stack([(needed & (layout.writes.column == column[:, None])).argmax(1),
                   layout.first('operand', column=column, operand=0)], 1)
    sites = r'^embed$|resid$'
    own, other = activations(model, texts, at, sites), activations(untrained(model, seed), texts,
        at[:, :1], sites)
    return {'model': [linear_probe(x[:, 0], carry, seed) for x in own.values()],
            'untrained': [linear_probe(x[:, 0], carry, seed) for x in other.values()],
            'shuffled': [linear_probe(x[:, 0], rng.permutation(carry), seed) for x in own.values()],
            'before': [linear_probe(x[:, 1], carry, seed) for x in own.values()]}


# Curves by name, each with a probe's result for the embedding and after each layer; from
# `carry_probe`
def plot_probe(probes: dict[str, list[dict]],
              ): # A matplotlib figure
    "Held-out accuracy of probes by layer, with 95 % intervals"
    fig, ax = subplots(figsize=(6, 3.4))
    for (name, results), colour, mark in zip(probes.items(), itertools.cycle(_COLOURS),
                                             itertools.cycle('os^Dv')):
        y, low, high = (np.array([100*r[k] for r in results]) for k in ('share', 'low', 'high'))
        ax.errorbar(range(len(y)), y, yerr=(y - low, high - y), label=name, color=colour,
                    marker=mark, capsize=3, lw=1.5)
    ax.axhline(100*results[0]['chance'], color='#888888', ls=':', label='commonest class')
    ax.set_xticks(range(len(y)), ['embedding', *(f'layer {i}' for i in range(len(y) - 1))])
    ax.set(ylabel='held-out accuracy, %', ylim=(None, 102), xlabel='read after')
    ax.legend(frameon=False, ncols=3, loc='lower center', bbox_to_anchor=(0.5, 1))
    return fig


def patch_map(model: Transformer,
              clean: list[str], corrupted: list[str], # As in `patch`; all texts of one length
             ) -> np.ndarray: # (layer + 1, t): mean recovery for the embedding, then each layer
    "Recovery when the residual stream is patched at one position, before and after each layer"
    a, b = encode_batch(clean)[0], encode_batch(corrupted)[0]
    sites = ['embed', *(f'blocks.{i}.resid' for i in range(model.config.n_layers))]
    differ = int((a != b).any(0).numpy().argmax()) # before this nothing can differ
    t, found = a.shape[1], np.zeros((len(sites), a.shape[1]))
    places = {(i, j): Where(s, at=j) for i, s in enumerate(sites) for j in range(differ, t)}
    for k, p in patch(model, clean, corrupted, places).items():
        found[k] = float(p.recovery.nanmean())
    return found


def plot_faithfulness(report: dict, # Made by `faithfulness`
                     ): # A matplotlib figure
    "Shares of answers that change, follow the disturbed chain, and stay right, with 95 % intervals"
    names = {k: s for k, s in dict(cut_short='cut short', falsified='one step falsified',
                                   noop='replaced by <noop>', swapped="swapped with another's"
                                  ).items() if k in report}
    fig, ax = subplots(figsize=(1 + 1.2*len(names), 3.2))
    for i, (key, label) in enumerate(dict(changed='changes', follows='follows',
                                          right='right').items()):
        bars = {j: s for j, name in enumerate(names) if (s := report[name][key]) and s['n']}
        ends = [[s[k] for s in bars.values()] for k in ('share', 'low', 'high')]
        y, low, high = 100*np.array(ends)
        x, colour = [j + 0.26*(i - 1) for j in bars], _COLOURS[i]
        ax.bar(x, y, 0.24, yerr=[y - low, high - y], label=label, color=colour, ecolor='#555555',
               capsize=2)
    ax.legend(frameon=False, ncols=3, loc='lower center', bbox_to_anchor=(0.5, 1))
    ax.set_xticks(range(len(names)), [textwrap.fill(name, 12) for name in names.values()])
    ax.set(ylabel='answers, %', ylim=(0, 105))
    return fig


def digit_pairs(config: ProblemConfig, # Limits
                n: int, # How many
                rng: np.random.Generator, # Source of randomness
               # Two problems each, and (n,) column and operand of the digit
               ) -> tuple[Problems, Problems, np.ndarray, np.ndarray]:
    "Pairs of problems that differ in one digit of one operand"
    p, b = draw(config, n, rng), np.arange(n)
    operand = rng.integers(0, p.n_operands)
    top = p.n_digits[b, operand] - 1
    k = rng.integers(0, top + 1)
    # a number does not begin with 0
    low = ((k == top) & (top > 0) & (not config.zero_pad)).astype(int)
    new = rng.integers(low, 9)
    digits = p.digits.copy()
    # any digit but the one that is there
    digits[b, operand, k] = new + (new >= p.digits[b, operand, k])
    return p, Problems(digits, p.n_digits), k, operand


def copy_paths(model: Transformer, # With a `columns` chain
               n: int = 200, # Pairs
               seed: int = 0, # Decides them
               # Their limits; default: those that the model was trained on
               config: ProblemConfig|None = None,
              # `digit`, `beside`: share of flipped copies, patched before the first layer and after
              # each but the last
              ) -> dict[str, list[float]]:
    """Is a digit copied from its own place in the problem, or from the token to the right of it?
    Raises `InputError` without such a chain"""
    _need_columns(model)
    one, other, column, operand = digit_pairs(config or problem_config(model.meta), n,
                                              np.random.default_rng([seed, 6]))
    clean, corrupted = written(model, one), written(model, other)
    layout = Layout.of(clean)
    at = layout.first('operand', column=column, operand=operand)
    ends = layout.writes.first('digit', column=column, operand=operand) + 1
    sites = ['embed', *(f'blocks.{i}.resid' for i in range(model.config.n_layers - 1))]
    got = patch(model, cut(clean, ends), cut(corrupted, ends),
                {(s, by): Where(s, at=at + by) for s in sites for by in (0, 1)})
    return {name: [float(got[s, by].flipped.float().mean()) for s in sites]
            for name, by in (('digit', 0), ('beside', 1))}


def _until_due(model, problems, column):
    """Texts cut where the carry into a column (b,) is due: at `+` or `=`; at its digit; and cut
    behind the sum"""
    texts = written(model, problems)
    layout = Layout.of(texts)
    new = layout.writes
    sign = (new.where('carry plus', 'step equals') & (new.column == column[:, None])).argmax(1)
    return (cut(texts, sign + 1), cut(texts, new.first('carry', column=column) + 1),
            cut(texts, layout.first('ones', column=column) + 1))


def patch_carry(model: Transformer, # With a `columns` chain
                n: int = 1000, # Pairs
                seed: int = 0, # Decides them
                # Their limits; default: those that the model was trained on
                config: ProblemConfig|None = None,
               ) -> dict[str, dict]: # Shares: `flipped`, `written`, `too_early`
    """How often another problem's carry is written when it is put in where it is due, and the sum
    that follows from it; and how often a layer earlier (of 200 pairs). Raises `InputError`
    without such a chain"""
    _need_columns(model)
    config, rng = config or problem_config(model.meta), np.random.default_rng([seed, 7])
    three = config.max_operands > 2
    more, less, column = carry_pairs(config, n, rng, least=int(three))
    a, b = (_until_due(model, p, column) for p in ((more, less) if three else (less, more)))
    clean, corrupted, last = a[int(three)], b[int(three)], model.config.n_layers - 1
    early = 'embed' if last == 0 else f'blocks.{last-1}.resid'
    arrived = patch(model, clean, corrupted, Where(f'blocks.{last}.attn.out'))
    before = patch(model, clean[:200], corrupted[:200], Where(early))
    begun = [t + VOCAB[i] for t, i in zip(corrupted, arrived.logits.argmax(-1))]
    ends = [t + c for t, c in zip(begun, generate(model, begun, max_new_tokens=5).texts())]
    right = [e[len(c):].startswith(whole[len(t):])
             for e, c, t, whole in zip(ends, corrupted, clean, a[2])]
    return dict(flipped=share(arrived.flipped.sum(), n), written=share(sum(right), n),
                too_early=share(before.flipped.sum(), len(before.flipped)))


def _falsified(text, k, false, digits):
    """The beginning of a text with a false sum in step `k`, how the next step should go on from
    there, and the digit that stands there already"""
    prompt, chain = text.split('<think>')
    steps = chain_steps(chain.split('</think>')[0])
    terms = [*digits, *[false//10] * (false > 9)]
    step = '+'.join(map(str, terms)) + f'={digits.sum() + false//10}'
    text = f"{prompt}<think>{''.join(steps[:k])}{steps[k].split('=')[0]}={false}{step[:2]}"
    return text, step[2:]


def falsify_carry(model: Transformer, # With a `columns` chain
                  problems: Problems, # Those of one column are left out
                  seed: int = 0, # Decides which carry of each problem is falsified, and how
                  # Only false carries with as many digits: needs three operands
                  keep_form: bool = False,
                 ) -> dict[str, dict]: # Shares: `step`, `answer`
    """How often the next step, and the answer, follow a false carry; raises `InputError` without
    such a chain"""
    _need_columns(model)
    rng, made, problems = np.random.default_rng(seed), [], problems[problems.width > 1]
    sums, texts, truth = add(problems.digits)[0], written(model, problems), problems.answers()
    for i, k in enumerate(rng.integers(0, problems.width - 1)):
        n, s = problems.n_operands[i], int(sums[i, k])
        choice = [v for v in (s - 10, s + 10) if 0 <= v < 10*n and (not keep_form or min(v, s) > 9)]
        if not choice: continue
        false = int(rng.choice(choice))
        made.append((*_falsified(texts[i], k, false, problems.digits[i, :n, k+1]),
                     int(truth[i]) + (false - s) * 10**int(k)))
    starts, steps, wanted = zip(*made) if made else ((), (), ())
    said = generate(model, list(starts)).texts()
    step = [re.match(re.escape(w) + r'(?=\d\+|</think>)', t) is not None
            for t, w in zip(said, steps)]
    answer = [re.search(f'</think>0*{w}<end>$', t) is not None for t, w in zip(said, wanted)]
    return dict(step=share(sum(step), len(made)), answer=share(sum(answer), len(made)))


def subtask_positions(layout: Layout, # Of texts as `written` makes them
                      problems: Problems, # Of these texts
                      chain: str = 'columns', # Chain kind
                     # For each sub-task (b, t): True at the positions that write what depends on it
                     ) -> dict[str, np.ndarray]:
    """Where each sub-task of addition is done: in the steps of a `columns` chain, else in the
    answer's digits"""
    if len(layout.kind) != len(problems):
        raise InputError(f'{len(layout.kind)} texts are not those of {len(problems)} problems')
    new, digits = layout.writes, problems.digits
    # (b, columns) -> (b, t): the value for the column that each position writes
    def of_column(a, shift=0):
        k = new.column + shift
        return np.take_along_axis(np.pad(a, ((0, 0), (0, 2))), np.clip(k, 0, a.shape[1] + 1),
                                  1) * (k >= 0)
    pair, carry = digits.sum(1, dtype=int), add(digits)[1]
    if chain == 'columns':
        # writes the first digit of a sum
        first = layout.where('step equals')
        incoming, own = of_column(carry), of_column(pair)
        return dict(zip(SUBTASKS, (new.where('ones') & (incoming == 0),
                                   first & (own > 9) & (incoming == 0),
                                   new.where('tens', 'ones') & (own % 10 == 9) & (incoming > 0),
                                   new.where('carry plus', 'carry'))))
    writes, incoming, below = new.where('answer'), of_column(carry), of_column(pair, -1)
    return dict(zip(SUBTASKS, (writes & (incoming == 0), writes & (incoming > 0) & (below > 9),
                               writes & (incoming > 0) & (below == 9),
                               writes & (incoming > 0) & (of_column(pair) == 9))))


@torch.no_grad()
def subtask_heads(model: Transformer,
                  problems: Problems, # A hundred or more
                 # For each sub-task (layer, head): by how much the share of right tokens falls
                 ) -> dict[str, np.ndarray]:
    "Which heads the sub-tasks of addition cannot do without"
    texts, c, device = written(model, problems), model.config, next(model.parameters()).device
    tokens, layout = encode_batch(texts)[0], Layout.of(texts, model.meta.chain)
    positions = subtask_positions(layout, problems, model.meta.chain)
    working = layout.writes.where('answer', *STEP) & ~layout.writes.where('digit', 'step plus')
    kind = torch.as_tensor(np.where(working, layout.kind, -1), device=device)
    def right(hook=None): return (model(tokens.to(device), hook=hook).argmax(-1).cpu()
                                  == tokens.roll(-1, 1)).numpy()
    plain, drops = right(), {name: np.zeros((c.n_layers, c.n_heads)) for name in SUBTASKS}
    for layer, head in np.ndindex(c.n_layers, c.n_heads):
        without = right(_mean_head(layer, head, kind))
        for name, at in positions.items():
            drop = plain[at].mean() - without[at].mean() if at.any() else 0
            drops[name][layer, head] = drop
    return drops


def _mean_head(layer, head, kind):
    """A hook that replaces a head's output by its mean over the working positions of each kind (b,
    t); -1: not working"""
    def hook(name, value):
        if name != f'blocks.{layer}.attn.heads': return value
        value, of_head = value.clone(), value[:, head]
        for k in kind.unique().tolist():
            if k >= 0: value[:, head][kind == k] = of_head[kind == k].mean(0)
        return value
    return hook


def carry_facts(model: Transformer, # With a `columns` chain
                n: int = 2000, # Problems for each question; patching takes half as many pairs
                seed: int = 90, # Decides them; they are held out from the model's training
                # Ask about shorter numbers than the model knows, unless it knows one width only
                max_digits: int|None = None,
               ) -> dict: # Plain JSON
    "What the instruments say about how a model carries; raises `InputError` without such a chain"
    _need_columns(model)
    limits = problem_config(model.meta)
    if max_digits and not limits.zero_pad:
        limits = dataclasses.replace(limits, max_digits=min(max_digits, limits.max_digits))
    problems = held_out_problems(model, n, seed, max_digits=limits.max_digits)
    masses = role_masses(model, written(model, problems))
    probes = carry_probe(model, problems, seed)
    roles = {name: dict(zip(('heads', 'mass', 'n'),
                            (*find_heads(m, min(2, m.shape[1]*m.shape[2])), len(m))))
             for name, m in masses.items()}
    form = falsify_carry(model, problems, seed, keep_form=True) if limits.max_operands > 2 else None
    return dict(problems=len(problems), roles=roles,
                probe={k: [r['share'] for r in v] for k, v in probes.items()},
                probe_last=probes['model'][-1],
                untrained_last=probes['untrained'][-1],
                copy=copy_paths(model, min(n//4, 100), seed, limits),
                patch=patch_carry(model, n//2, seed, limits),
                falsified=falsify_carry(model, problems, seed), falsified_form_kept=form)


def replace_tens(model, problems, digit):
    """What is written where a carry of 1 into column 1 is due, when the tens digit of the sum
    before is replaced: shares of `+1`, `+` that digit, and no carry."""
    problems = problems[(problems.width > 1) & (add(problems.digits)[1][:, 1] == 1)]
    texts = written(model, problems)
    layout = Layout.of(texts)
    due = (layout.writes.where('carry plus') & (layout.writes.column == 1)).argmax(1) + 1
    tokens = encode_batch(texts)[0].tolist()
    for row, at in zip(tokens, layout.first('tens', column=0)): row[at] = digit
    said = generate(model, [decode(row[:n]) for row, n in zip(tokens, due)],
                    max_new_tokens=2).texts()
    return {name: share(sum(t.startswith(start) for t in said), len(said))
            for name, start in (('as_before', '+1'), ('as_replaced', f'+{digit}'), ('none', '='))}


def ask(name, path, folder, commands, seeds):
    "Ask a model everything, and write the results file."
    began, model = time.perf_counter(), load_model(folder)
    known = model.meta.trained_on
    problems = held_out(problem_config(model.meta), N_PROBLEMS, seed=1000,
                        partition=known.get('seed', 42))
    report = evaluate(model, problems)
    facts = carry_facts(model, N_ASKED, seed=1001, max_digits=3)
    replaced = {str(d): replace_tens(model, problems, d) for d in (0, 2)}
    write_results(path, name, commands, seeds, time.perf_counter() - began,
                  layers=model.config.n_layers, width=model.config.d_model,
                  parameters=model.n_params(), max_digits=known['max_digits'],
                  exact_match=report['exact_match'], facts=facts, tens_replaced=replaced)


def trained(folder):
    "The command and the seed of a training, as far as they are known"
    file = Path(folder)/'training_config.json'
    if not file.exists(): return [], load_model(folder).meta.trained_on.get('seed', 42)
    return [how(folder)], json.loads(file.read_text())['seed']


def ask_folder(folder, name, path):
    "Ask a model that is trained already."
    commands, seed = trained(folder)
    asking = f'python nbs/explanations/how_it_carries/study.py --ask {name} {Path(folder).name}'
    ask(name, path, folder, [*commands, asking], [seed])


def run(name, path):
    "Train a model and ask it."
    from math_llm.training import train
    cfg = config(name)
    train(cfg)
    ask(name, path, cfg.output_dir, how(cfg.output_dir), [cfg.seed])


if __name__ == '__main__':
    if sys.argv[1:2] == ['--ask'] and len(sys.argv) == 4:
        asking = functools.partial(ask_folder, sys.argv[3])
        choose(sys.argv[2:3], sys.argv[2:3], RESULTS, asking)
    else: choose(sys.argv[1:], plan(), RESULTS, run)
