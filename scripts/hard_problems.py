#!/usr/bin/env python
"""A dataset half of whose training problems resemble those that a model finds hard.

    python scripts/hard_problems.py [--record FILE] CHECKPOINT FOLDER SEED [N_SCANNED N_TRAINING]

Of N_SCANNED training problems, those where the model gives some token of the true completion a
loss above HARD are changed a little, again and again; a dataset of these and of as many fresh
problems is written to FOLDER. Only problems of the training split are scanned or written to its
train.json. `math_llm_train --config hard_problems --data-dir FOLDER --init-from CHECKPOINT
--max-steps N` then trains on them. With --record, how many were hard becomes a row of a results
file, FILE, which may hold earlier rows.
"""

import argparse
import dataclasses
import json
import shlex
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from math_llm.problems import Problems, draw
from math_llm.chains import Examples, render
from math_llm.learning import Batch
from math_llm.dataset_files import DatasetConfig
from math_llm.datasets import make_dataset, write_dataset
from math_llm.files import load_model
from math_llm.options import InputError
from math_llm.results import write_results

HARD, SHARES = 0.003, dict(carry_bias=0.2, repeat_bias=0.3, full_size=0.2)


@torch.inference_mode()
def worst_loss(model, examples, batch_size=128):
    "Largest loss of a token of the completion, for each example"
    order, worst = np.argsort(examples.lengths), np.zeros(len(examples), np.float32)
    for i in np.split(order, range(batch_size, len(order), batch_size)):
        b = Batch.of(examples[i])
        loss = F.cross_entropy(
            model(b.tokens[:, :-1]).transpose(1, 2), b.tokens[:, 1:], reduction='none'
        )
        at = torch.arange(1, b.tokens.shape[1])
        worst[i] = (
            torch.where((at >= b.prompt_lengths[:, None]) & (at < b.lengths[:, None]), loss, 0.0)
            .amax(1)
            .numpy()
        )
    return worst


def changed(operands, max_digits, rng):
    "Operands after one to three small changes of digits or of their order"
    rows = [list(o) for o in operands]
    for _ in range(rng.integers(1, 4)):
        row = rows[rng.integers(len(rows))]
        i = rng.integers(len(row))
        match rng.integers(6):
            case 0 | 1:
                row[i] = str(rng.integers(10))
            case 2:
                row[i] = str(rng.choice(rows[rng.integers(len(rows))]))
            case 3 if len(row) < max_digits:
                row.insert(i, str(rng.integers(10)))
            case 4 if len(row) > 1:
                del row[i]
            case 5:
                rng.shuffle(rows)
    return [str(int(''.join(row))) for row in rows]


def load_taught(checkpoint):
    "A model whose completions can be compared with true ones"
    model = load_model(checkpoint).eval()
    if model.meta.chain == 'invented':
        raise InputError(
            f'{checkpoint} invented its chain; there is no true one to compare it with'
        )
    return model


def record(path, row, command, seed, seconds):
    "Add a row to a results file"
    old = (
        json.loads(path.read_bytes())
        if path.exists()
        else dict(command=[], seeds=[], seconds=0, rows=[])
    )
    note = (
        'For each search, how many of new training problems have a token of the true completion '
        f'with a loss above {HARD}.'
    )
    write_results(
        path,
        'Problems that taught found hard',
        old['command'] + [command],
        old['seeds'] + [seed],
        old['seconds'] + seconds,
        replace=True,
        note=old.get('note', note),
        rows=old['rows'] + [row],
    )


def main(checkpoint, folder, seed, n_scanned=100_000, n_training=60_000, file=None):
    if Path(folder).exists():
        raise InputError(f'{folder} is there already')
    if seed < 0 or n_scanned < 1 or n_training < 10:
        raise InputError('SEED must be at least 0, N_SCANNED at least 1, N_TRAINING at least 10')
    model, began = load_taught(checkpoint), time.time()
    meta = {
        f.name: model.meta.trained_on[f.name]
        for f in dataclasses.fields(DatasetConfig)
        if f.name in model.meta.trained_on
    }
    config = DatasetConfig(**meta | SHARES | dict(output_dir=folder, num_examples=n_training))
    rng = np.random.default_rng([seed, 11])

    def training(n, make):  # `n` of the training split, made 4096 problems at a time
        parts = []
        while len(parts) < n / (4096 * config.train_ratio * 0.95) or sum(map(len, parts)) < n:
            p = make()
            parts.append(
                render(
                    p[
                        np.flatnonzero(
                            p.splits(config.seed, config.train_ratio, config.val_ratio) == 0
                        )
                    ],
                    config,
                )
            )
        return Examples.concat(parts)[np.arange(n)]

    def fresh():
        return draw(
            config, 4096, rng
        )  # not those of another training, which begins its draws with the partition's seed

    scanned = training(n_scanned, fresh)
    worst = worst_loss(model, scanned)
    hard = scanned.problems[np.flatnonzero(worst > HARD)].operands()
    if not hard:
        raise InputError(f'none of {n_scanned:,} problems has a token with a loss above {HARD}')
    print(
        f'{len(hard):,} of {n_scanned:,} problems are hard; largest losses of a token: '
        + ', '.join(f'{l:.2g}' for l in np.sort(worst)[:-9:-1])
    )

    def like_hard():
        rows = [
            changed(hard[i], config.max_digits, rng) for i in rng.integers(len(hard), size=4096)
        ]
        rows = [row for row in rows if min(map(len, row)) >= config.min_digits]
        return Problems.from_operands(
            [[o.zfill(config.max_digits * config.zero_pad) for o in row] for row in rows]
        )

    half = n_training // 2
    alike = training(half, like_hard)
    splits = make_dataset(dataclasses.replace(config, num_examples=1000))
    write_dataset(
        splits | dict(train=Examples.concat([alike, training(n_training - half, fresh)])), config
    )
    if file:
        words = ['--record', file, checkpoint, folder, seed, n_scanned, n_training]
        command = 'python scripts/hard_problems.py ' + shlex.join(map(str, words))
        row = dict(model=Path(checkpoint).name, scanned=n_scanned, hard=len(hard))
        record(Path(file), row, command, seed, time.time() - began)


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('--record', metavar='FILE')
    p.add_argument('checkpoint', metavar='CHECKPOINT')
    p.add_argument('folder', metavar='FOLDER')
    p.add_argument('seed', metavar='SEED', type=int)
    p.add_argument('sizes', metavar='N', nargs='*', type=int, help='N_SCANNED and N_TRAINING')
    o = p.parse_args()
    if len(o.sizes) not in (0, 2) or min([o.seed, *o.sizes]) < 0:
        sys.exit('hard_problems.py: accepted are SEED, or SEED N_SCANNED N_TRAINING, '
                 'whole numbers from 0 on')
    try:
        main(o.checkpoint, o.folder, o.seed, *o.sizes, file=o.record)
    except InputError as e:
        sys.exit(f'hard_problems.py: {e}')
