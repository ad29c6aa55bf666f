#!/usr/bin/env python
"""List the results files that are older than the code that made them.

    python scripts/stale_results.py              each folder of a study and each other file
    python scripts/stale_results.py --files      each file

The git history decides. A results file is as old as the last commit that changed a number in it:
a move, another command line or another title does not make it younger. The code is the runner that
its command names, what this imports from the project, and the shipped models that the command
names. The code book, the test results and the card of a shipped model are results too: those of
its weights. Exits with 0 and prints nothing when nothing is stale, with 1 when something is.
"""
import argparse
import ast
import json
import re
import subprocess
import sys
from collections import defaultdict
from configparser import ConfigParser
from datetime import date
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

def git(*args):
    "What git says about the project."
    command = ['git', '-c', 'safe.directory=*', '-C', ROOT, *args]
    done = subprocess.run(command, capture_output=True, text=True, encoding='utf-8')
    if done.returncode: raise SystemExit(f'stale_results.py: {done.stderr.strip()}')
    return done.stdout


@cache
def history():
    "All changes, the newest first: time, old path, new path, old content, new content."
    changes, time = [], 0
    for line in git('log', '--raw', '-M', '-l0', '--no-abbrev', '--format=%at').splitlines():
        if line.startswith(':'):
            facts, *paths = line.split('\t')
            old, new = facts.split()[2:4]
            changes.append((time, paths[0], paths[-1], old, new))
        elif line: time = int(line)
    return changes


def numbers(value):
    "What is measured in a JSON value: all but its texts."
    if isinstance(value, dict): return {k: numbers(v) for k, v in value.items() if k != 'command'}
    if isinstance(value, list): return list(map(numbers, value))
    return None if isinstance(value, str) else value


def measured(blob):
    "The measurements in some content, None if there is none."
    if set(blob) == {'0'}: return None
    text = git('cat-file', 'blob', blob)
    try: return numbers(json.loads(text))
    except ValueError: return text


@cache
def age(path):
    "When a file got the measurements that it holds; 0 for one that is not committed."
    time = 0
    for then, old_path, new_path, old, new in history():
        if new_path != path: continue
        time, path = then, old_path
        if measured(old) != measured(new): break
    return time


@cache
def changed(path):
    "When a file of code was last changed, moves left aside; 0 for one that is not committed."
    times = (time for time, _, new_path, old, new in history() if new_path == path and old != new)
    return next(times, 0)


@cache
def imports(path):
    "The file of code at `path` and all others of the project that it imports."
    found, todo = set(), [path]
    while todo:
        if (path := todo.pop()) in found or not (ROOT/path).is_file(): continue
        found.add(path)
        for node in ast.walk(ast.parse((ROOT/path).read_text(encoding='utf-8'))):
            if not isinstance(node, (ast.Import, ast.ImportFrom)): continue
            names = [a.name for a in node.names]
            module = getattr(node, 'module', None) or ''
            if module.startswith('math_llm') or getattr(node, 'level', 0): # of the package
                names = [module.removeprefix('math_llm').strip('.')] + names
                todo += [f'math_llm/{n}.py' for n in names]
            else: todo += [f'scripts/{n}.py' for n in [module, *names]]
    return found


@cache
def commands():
    "The module behind each command of the package."
    config = ConfigParser(delimiters=['='])
    config.read(ROOT/'settings.ini', encoding='utf-8')
    points = (line.split('=') for line in config['DEFAULT']['console_scripts'].split())
    return {name: point.split(':')[0].replace('.', '/') + '.py' for name, point in points}


def models():
    "The weights of the shipped models, by name."
    found = ROOT.glob('math_llm/pretrained/*/model.safetensors')
    return {p.parent.name: p.relative_to(ROOT).as_posix() for p in found}


def made_by(path):
    "Runners, modules and weights that a results file rests on."
    if 'pretrained' in path: return set(), set(), {str(Path(path).parent/'model.safetensors')}
    given = json.loads((ROOT/path).read_text(encoding='utf-8'))['command']
    words = re.findall(r'[\w./-]+', given if isinstance(given, str) else ' '.join(given))
    runners = {w for w in words if w.endswith(('.py', '.sh'))}
    started = runners | {commands()[w] for w in words if w in commands()}
    code = set().union(*map(imports, started))
    return runners, code - runners, {file for name, file in models().items() if name in words}


def results():
    "All results files, those of the shipped models too."
    folders = ('nbs/results/**/*.json', 'nbs/explanations/*/results/**/*.json')
    names = ('codebook.json', 'test_results.json', 'card.md')
    models = [f'math_llm/pretrained/*/{name}' for name in names]
    found = (path for pattern in (*folders, *models) for path in ROOT.glob(pattern))
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def stale():
    "Results files older than their code: path, age, and the younger files in three groups."
    for path in results():
        then = age(path)
        younger = [sorted(c for c in code if changed(c) > then) for code in made_by(path)]
        if then and any(younger): yield path, then, younger


def main():
    parser = argparse.ArgumentParser(description='List results files older than their code.')
    parser.add_argument('--files', action='store_true', help='list each file of a folder')
    files, groups = parser.parse_args().files, defaultdict(list)
    for path, then, younger in stale():
        alone = files or path.startswith(('nbs/results', 'math_llm'))
        groups[path if alone else f'{Path(path).parent}/'].append((then, younger))
    for name, found in groups.items():
        oldest = date.fromtimestamp(min(t for t, _ in found))
        print(f'{name}  ({len(found)} file{"s" * (len(found) > 1)}, the oldest of {oldest})')
        for what, i in (('runner', 0), ('weights', 2), ('modules', 1)):
            newer = {Path(c) for _, younger in found for c in younger[i]}
            names = sorted(c.parent.name if what == 'weights' else c.stem for c in newer)
            if names: print(f'    younger {what}: {", ".join(names)}')
    return 1 if groups else 0


if __name__ == '__main__': sys.exit(main())
