#!/usr/bin/env python
"""The models behind the last part of the page "How a taught model carries".

    python nbs/explanations/how_it_carries/study.py                     what there is to ask, and what is done
    python nbs/explanations/how_it_carries/study.py NAME [NAME ...]     train these models, or what is left of it, and ask each the same questions
    python nbs/explanations/how_it_carries/study.py --ask NAME FOLDER   ask a model that is trained already: a folder, or a shipped model

A model trains into runs/ (which git ignores) and can be stopped and started again; when it has been asked,
nbs/explanations/how_it_carries/results/NAME.json appears, and is not made again.
"""
import functools
import sys
import time
from pathlib import Path

from math_llm.problems import add
from math_llm.decoding import generate
from math_llm.problems import held_out
from math_llm.evaluation import evaluate, share
from math_llm.files import problem_config
from math_llm.tracing import read_layout, written
from math_llm.patching import carry_facts
from math_llm.files import load_model
from math_llm.tokenizer import decode, encode_batch
from math_llm.training import TrainingConfig, train
from math_llm.results import write_results

sys.path.append(str(Path(__file__).parents[3]/'scripts'))
from studies import RUNS, choose, how

RESULTS = Path(__file__).parent/'results'

TINY = dict(model_size='xsmall', max_operands=2, optimizer='adamw', batch_size=64, max_steps=900, prompt_loss_weight=0., eval_steps=900, test_examples=500)
KINDS = {'one-layer': dict(TINY, zero_pad=True, position='learned', learning_rate=5e-3),
         'two-layers': dict(TINY, n_layers=2, learning_rate=3e-3),
         'small': dict()}                                                               # the main job as it is
SEEDS = {'one-layer': (1, 2, 3), 'two-layers': (1, 2), 'small': (42, 43, 44)}
N_PROBLEMS, N_ASKED = 1000, 600


def plan():
    "Names of all models."
    return [f'{kind}-{seed}' for kind, seeds in SEEDS.items() for seed in seeds]


def config(name):
    "The training configuration of a model."
    kind, seed = name.rsplit('-', 1)
    return TrainingConfig(**KINDS[kind], seed=int(seed), wandb=False, output_dir=str(RUNS/name))


def replace_tens(model, problems, digit):
    "What is written where a carry of 1 into column 1 is due, when the tens digit of the sum before is replaced: shares of `+1`, `+` that digit, and no carry."
    problems = problems[(problems.width > 1) & (add(problems.digits)[1][:, 1] == 1)]
    texts = written(model, problems)
    layout = read_layout(*encode_batch(texts), model.meta.chain)
    due = (layout.writes.where('carry plus') & (layout.writes.column == 1)).argmax(1) + 1
    tokens = encode_batch(texts)[0].tolist()
    for row, at in zip(tokens, layout.place('tens', column=0)): row[at] = digit
    said = generate(model, [decode(row[:n]) for row, n in zip(tokens, due)], max_new_tokens=2).texts()
    return {name: share(sum(t.startswith(start) for t in said), len(said)) for name, start in (('as_before', '+1'), ('as_replaced', f'+{digit}'), ('none', '='))}


def ask(name, path, folder, commands, seeds):
    "Ask a model everything, and write the results file."
    began, model = time.perf_counter(), load_model(folder)
    known = model.meta.trained_on
    problems = held_out(problem_config(model.meta), N_PROBLEMS, seed=1000, partition=known.get('seed', 42))
    report = evaluate(model, problems)
    facts = carry_facts(model, N_ASKED, seed=1001, max_digits=3)
    replaced = {str(d): replace_tens(model, problems, d) for d in (0, 2)}
    write_results(path, name, commands, seeds, time.perf_counter() - began, layers=model.config.n_layers, width=model.config.d_model,
                 parameters=model.n_params(), max_digits=known['max_digits'], exact_match=report['exact_match'], facts=facts, tens_replaced=replaced)


def ask_folder(folder, name, path):
    "Ask a model that is trained already."
    trained = [how(folder)] if (Path(folder)/'training_config.json').exists() else []
    ask(name, path, folder, [*trained, f'python nbs/explanations/how_it_carries/study.py --ask {name} {Path(folder).name}'], [load_model(folder).meta.trained_on.get('seed', 42)])


def run(name, path):
    "Train a model and ask it."
    cfg = config(name)
    train(cfg)
    ask(name, path, cfg.output_dir, how(cfg.output_dir), [cfg.seed])


if __name__ == '__main__':
    if sys.argv[1:2] == ['--ask'] and len(sys.argv) == 4: choose(sys.argv[2:3], sys.argv[2:3], RESULTS, functools.partial(ask_folder, sys.argv[3]), __doc__)
    else: choose(sys.argv[1:], plan(), RESULTS, run, __doc__)
