#!/usr/bin/env python
"""How sure models are of true completions: what is left where nearly every answer is right.

    python nbs/explanations/last_errors/study.py SEED N MODEL [MODEL ...]

The plan: ask models from one training after the other about the same held-out problems, N
uniform ones and N repeat-biased ones, of the first model's test split. A problem's loss is that
of the token of its true completion that the model is least sure of; counted is how many problems
have a loss above a few bounds. (Above 0.7 = ln 2 that token had less than an even chance.)
Writes results/last_errors.json beside this file. results/hard_problems.json, the number of hard
problems that each search found, is written by `scripts/hard_problems.py --record`.
"""

import sys
import time
from pathlib import Path

from math_llm.chains import render
from math_llm.evaluation import held_out_problems
from math_llm.files import problem_config
from math_llm.options import InputError
from math_llm.results import write_results

sys.path.append(str(Path(__file__).resolve().parents[3] / 'scripts'))
from hard_problems import load_taught, worst_loss

BOUNDS = (0.001, 0.01, 0.1, 0.7)


def main(seed, n, *names):
    "Ask all models about the same problems."
    path, start = Path(__file__).parent / 'results' / 'last_errors.json', time.time()
    if path.exists():
        raise InputError(f'{path} is there already')
    if n < 1:
        raise InputError('N must be at least 1')
    models = {name: load_taught(name) for name in names}
    meta, rows = models[names[0]].meta, []

    def asked(m):
        return problem_config(m, carry_bias=0.0, repeat_bias=0.0)

    for name, model in models.items():
        if asked(model.meta) != asked(meta):
            raise InputError(f'{name} was trained on other problems or chains than {names[0]}')
    for kind, bias in (('uniform', 0.0), ('repeat_biased', 1.0)):
        problems = held_out_problems(models[names[0]], n, seed, carry_bias=0.0, repeat_bias=bias)
        examples = render(problems, problem_config(meta))
        for name, model in models.items():
            loss = worst_loss(model, examples)
            above = {f'loss above {b}': int((loss > b).sum()) for b in BOUNDS}
            about = dict(model=Path(name).name, problems=kind, n=len(examples))
            rows.append(about | above | dict(largest=float(loss.max())))
            print(rows[-1], flush=True)
    command = ' '.join(['python nbs/explanations/last_errors/study.py', str(seed), str(n), *names])
    write_results(
        path,
        'What is left where nearly every answer is right',
        command,
        [seed],
        time.time() - start,
        rows=rows,
    )


if __name__ == '__main__':
    if len(sys.argv) < 4 or not all(a.isdigit() for a in sys.argv[1:3]):
        sys.exit('usage: ' + __doc__.splitlines()[2].strip())
    try:
        main(int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:])
    except InputError as e:
        sys.exit(f'study.py: {e}')
