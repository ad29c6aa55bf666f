#!/usr/bin/env python
"""Change the code in small ways, one at a time, and see whether the notebook that holds it notices.

    python scripts/mutate.py model                      # 20 mutants of math_llm/model.py, seed 0
    python scripts/mutate.py model gumbel --n 10 --seed 1
    python scripts/mutate.py model --only 3 17          # two of the twenty again, after mending
    python scripts/mutate.py live --whole               # V8 does not live on in a fork
    python scripts/mutate.py --output mutants.json      # all modules

Each mutant is one change in an exported cell: an operator or a comparison exchanged, a number or a
truth value altered, a condition turned round, an argument dropped, a statement left out. The
notebook runs in a copy of the project; where a cell has a mutant, the process forks, and the fork
goes on with the changed cell up to the first failure. A mutant that no cell notices is a survivor:
it is shown with its number and its line.
"""
import argparse
import ast
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from pathlib import Path

from execnb.nbio import read_nb
from execnb.shell import CaptureShell
from nbdev.config import get_config

from run_notebook import skipped

ROOT = Path(__file__).resolve().parent.parent
SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult,
         ast.FloorDiv: ast.Mult,
         ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
         ast.MatMult: ast.Mult,
         ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
         ast.NotEq: ast.Eq,
         ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
         ast.And: ast.Or, ast.Or: ast.And}


def changes(tree):
    """All places that can be changed, each as (line, what, a function that changes the tree in
    place)."""
    found, words = [], {id(n) for f in ast.walk(tree) for n in _not_code(f)}
    def add(node, what, change): found.append((node.lineno, what, change))
    for n in ast.walk(tree):
        if id(n) in words: continue
        if isinstance(n, (ast.BinOp, ast.BoolOp, ast.AugAssign)) and type(n.op) in SWAPS:
            new = SWAPS[type(n.op)]
            add(n, f'{type(n.op).__name__} -> {new.__name__}',
                lambda n=n, new=new: setattr(n, 'op', new()))
        elif isinstance(n, ast.Compare) and type(n.ops[0]) in SWAPS:
            new = SWAPS[type(n.ops[0])]
            add(n, f'{type(n.ops[0]).__name__} -> {new.__name__}',
                lambda n=n, new=new: n.ops.__setitem__(0, new()))
        elif isinstance(n, ast.Constant) and isinstance(n.value, (bool, int, float)):
            value = not n.value if isinstance(n.value, bool) else n.value + 1
            add(n, f'{n.value} -> {value}', lambda n=n, value=value: setattr(n, 'value', value))
        elif isinstance(n, (ast.If, ast.IfExp, ast.While)):
            add(n, 'condition turned round',
                lambda n=n: setattr(n, 'test', ast.UnaryOp(ast.Not(), n.test)))
        elif isinstance(n, ast.Call) and n.keywords:
            add(n, f'argument {n.keywords[-1].arg} dropped', lambda n=n: n.keywords.pop())
        elif isinstance(n, ast.UnaryOp) and isinstance(n.op, (ast.Not, ast.USub, ast.Invert)):
            add(n, f'{type(n.op).__name__} dropped', lambda n=n: setattr(n, 'op', ast.UAdd())
                if isinstance(n.op, ast.USub)
                else setattr(n, 'operand', ast.UnaryOp(n.op, n.operand)))
        elif isinstance(n, ast.Expr) and isinstance(n.value, ast.Call):
            add(n, 'statement left out', lambda n=n: setattr(n, 'value', ast.Constant(None)))
    return found


def _not_code(node):
    "Nodes below `node` that are about words and types, not about what the code does."
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        notes = [a.annotation for a in ast.walk(node.args)
                 if isinstance(a, ast.arg)] + [node.returns]
        return [x for a in notes if a is not None for x in ast.walk(a)]
    if isinstance(node, ast.AnnAssign): return list(ast.walk(node.annotation))
    # the words of errors
    if isinstance(node, ast.Raise): return list(ast.walk(node))
    if isinstance(node, ast.Assign) and any(getattr(t, 'id', '') == '__all__'
                                            for t in node.targets):
        return list(ast.walk(node))
    return []


def parts(cell):
    "The directives of a cell, and its code."
    lines = ''.join(cell['source']).splitlines(keepends=True)
    directives = ''.join(x for x in lines if x.startswith('#|'))
    return directives, ''.join(x for x in lines if not x.startswith('#|'))


def mutants(cells, n, seed):
    """`n` different changes of exported cells, drawn with `seed`: (cell, line, what, changed
    source) of each."""
    places = [(i, j) for i, c in enumerate(cells) if c.cell_type == 'code'
              and '#| export' in c.source for j in range(len(changes(ast.parse(parts(c)[1]))))]
    found = []
    for i, j in random.Random(seed).sample(places, min(n, len(places))):
        directives, code = parts(cells[i])
        tree = ast.parse(code)
        line, what, change = changes(tree)[j]
        change()
        found.append((i, code.splitlines()[line-1].strip(), what,
                      directives + ast.unparse(ast.fix_missing_locations(tree))))
    return found


def notebook_of(module):
    "The notebook that exports a module."
    return next(p for p in sorted(ROOT.glob('nbs/*.ipynb'))
                if f'#| default_exp {module}"' in p.read_text(encoding='utf-8'))


def runs(shell, cell):
    "Does a cell run without a failure?"
    flags = set(get_config().tst_flags.split())
    if cell.cell_type == 'code' and not skipped(cell, flags): shell.cell(cell)
    return not shell.exc


def export(cell, changed, module):
    "The module with a changed cell, as processes that tests start will import it"
    before, mark, code = re.split(rf'(# %% \S+ #{cell.id}\n)', module.read_text(encoding='utf-8'))
    rest = re.search(r'^# %% |\Z', code, re.M).start()
    module.write_text(before + mark + changed + '\n\n' + code[rest:], encoding='utf-8')


def survives(shell, cells, at, first, changed, module, limit):
    """Does a notebook pass, from cell `first` on, with cell `at` changed and exported into its
    `module`? A fork of this process tries."""
    tmp, kept = tempfile.gettempdir(), tempfile.gettempdir() + '.kept'
    subprocess.run(['cp', '-a', tmp, kept], check=True)
    exported = module.read_text(encoding='utf-8')
    export(cells[at], changed, module)
    if not (pid := os.fork()):
        os.setpgrp()
        used = int(time.process_time())
        resource.setrlimit(resource.RLIMIT_CPU, (used + limit, used + limit))
        for out in (1, 2): os.dup2(os.open(os.devnull, os.O_WRONLY), out)
        cells[at].source = changed
        try: os._exit(not all(runs(shell, cell) for cell in cells[first:]))
        finally: os._exit(1)
    end = time.monotonic() + 10 * limit # one that waits for ever
    while not (ended := os.waitpid(pid, os.WNOHANG))[0] and time.monotonic() < end: time.sleep(0.05)
    with suppress(ProcessLookupError): os.killpg(pid, signal.SIGKILL)
    if not ended[0]: os.waitpid(pid, 0)
    module.write_text(exported, encoding='utf-8')
    while os.path.exists(tmp): shutil.rmtree(tmp, ignore_errors=True) # its processes clean up too
    os.rename(kept, tmp) # what the fork has written is gone
    return ended[0] != 0 and ended[1] == 0


def examine(module, n, seed, only, limit, whole):
    "The report on one module."
    path, killed, left = notebook_of(module), 0, []
    file = Path('..', 'math_llm', module + '.py')
    cells, shell = read_nb(path).cells, CaptureShell()
    found = [(i, *m) for i, m in enumerate(mutants(cells, n, seed)) if not only or i in only]
    def passes(at, changed):
        return survives(shell, cells, at, 0 if whole else at, changed, file, limit)
    if whole and not passes(found[0][1], cells[found[0][1]].source):
        sys.exit(f'{path.name} fails as it is')
    for at, cell in enumerate(cells):
        if not any(m[1] >= at for m in found): break
        for i, _, code, what, changed in (m for m in found if m[1] == at):
            if not passes(at, changed):
                killed += 1
                continue
            left.append(dict(number=i, cell=at, change=what, code=code))
            print(f'  {i} survived  {path.name}, cell {at}  {what}: {code[:100]}', flush=True)
        if not whole and not runs(shell, cell):
            sys.exit(f'{path.name} fails as it is:\n{shell.prettytb(path)}')
    print(f'{module}: {killed} of {killed + len(left)} killed', flush=True)
    return dict(module=module, mutants=killed + len(left), killed=killed, survivors=left)


def in_a_copy(module, *how):
    "The report on one module, made by a process of its own in a copy of the project"
    with tempfile.TemporaryDirectory() as folder:
        copy, tmp, out = (Path(folder, name) for name in ('copy', 'tmp', 'report.json'))
        tmp.mkdir()
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns('.*', '__pycache__', 'runs',
            'data', 'checkpoints'))
        if not (pid := os.fork()):
            os.environ |= dict(PYTHONPATH=str(copy), PYTHONDONTWRITEBYTECODE='1', IN_TEST='1',
                               TMPDIR=str(tmp))
            tempfile.tempdir = str(tmp)
            sys.path.insert(0, str(copy))
            os.chdir(copy/'nbs')
            try: out.write_text(json.dumps(examine(module, *how)), encoding='utf-8')
            except BaseException: traceback.print_exc()
            finally: os._exit(0)
        os.waitpid(pid, 0)
        return json.loads(out.read_bytes()) if out.exists() else sys.exit(1)


def main():
    p = argparse.ArgumentParser(description='Mutation tests of the package.')
    p.add_argument('modules', nargs='*', help='default: all')
    p.add_argument('--n', type=int, default=20, help='mutants of each module (default: 20)')
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--only', nargs='+', type=int, metavar='I', help='only these numbers of the n')
    p.add_argument('--time_limit', type=int, default=100,
                   help='seconds of the processor for one mutant (default: 100)')
    p.add_argument('--whole', action='store_true',
                   help='run the notebook from the start for each mutant: for what a fork of it '
                        'waits for in vain')
    p.add_argument('--output', help='write the report as JSON to this file')
    a = p.parse_args()
    if a.n < 1 or a.only and not all(0 <= i < a.n for i in a.only):
        p.error(f'--n must be at least 1, and --only names numbers from 0 to {a.n - 1}')
    every = sorted(f.stem for f in (ROOT/'math_llm').glob('[!_]*.py'))
    if unknown := set(a.modules) - set(every):
        sys.exit(f'no such module: {", ".join(sorted(unknown))}')
    report = [in_a_copy(m, a.n, a.seed, a.only, a.time_limit, a.whole)
              for m in a.modules or every]
    if a.output: Path(a.output).write_text(json.dumps(dict(seed=a.seed, modules=report), indent=1)
                                           + '\n', encoding='utf-8')


if __name__ == '__main__': main()
