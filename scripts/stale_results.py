#!/usr/bin/env python
"""List the results files whose code has changed since they were measured.

    python scripts/stale_results.py              each folder of a study and each other file
    python scripts/stale_results.py --files      each file, with the names of what changed

The git history decides. A results file is as old as the last commit that changed a number in it:
a move, another command line or another title does not make it younger. Its code is what the runner
or command that it names can reach: functions, classes and constants of the project. Each of these
is compared with the project as it was at that commit. What was only moved or renamed, or got other
comments, annotations, help texts or error messages, has not changed, and modules that only check
arguments, read options or keep files (`PLUMBING`) are left aside. A change that is reported need
not change a number: a function that was written anew to do the same is one, too.

The shipped models that the command names count by their weights. The code book, the test results
and the card of a shipped model are results too: those of its weights. Exits with 0 and prints
nothing when nothing is stale, with 1 when something is.
"""
import argparse
import ast
import builtins
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
PLUMBING = {'checks', 'options', 'files', 'dataset_files', 'runs', 'results', 'studies'}

def git(*args):
    "What git says about the project."
    command = ['git', '-c', 'safe.directory=*', '-C', ROOT, *args]
    done = subprocess.run(command, capture_output=True, text=True, encoding='utf-8')
    if done.returncode: raise SystemExit(f'stale_results.py: {done.stderr.strip()}')
    return done.stdout


@cache
def history():
    "All changes, the newest first: commit and its time, old path, new path, old and new content."
    changes, commit = [], None
    for line in git('log', '--raw', '-M', '-l0', '--no-abbrev', '--format=%at %H').splitlines():
        if line.startswith(':'):
            facts, *paths = line.split('\t')
            old, new = facts.split()[2:4]
            changes.append((commit, paths[0], paths[-1], old, new))
        elif line: commit = int(line.split()[0]), line.split()[1]
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
    "Time and commit at which a file got the measurements that it holds; 0 if it is not committed."
    found = 0, None
    for commit, old_path, new_path, old, new in history():
        if new_path != path: continue
        found, path = commit, old_path
        if measured(old) != measured(new): break
    return found


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


class Shape(ast.NodeTransformer):
    "Takes out of code what does not change what it computes."
    def __init__(self, kept): self.kept, self.names = kept, {}

    def visit_Name(self, node):
        if node.id not in self.kept: node.id = self.names.setdefault(node.id, len(self.names))
        return node

    def visit_arg(self, node):
        node.annotation, node.arg = None, self.names.setdefault(node.arg, len(self.names))
        return node

    def visit_Constant(self, node):
        if isinstance(node.value, str) and ' ' in node.value: node.value = ''  # words for people
        return node

    def visit_Raise(self, node): return ast.Raise()
    def visit_Expr(self, node):
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_AnnAssign(self, node):
        node.annotation = ast.Constant(0)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node):
        node.returns, node.decorator_list = None, []
        self.generic_visit(node)
        node.name = 0
        return node


def outside(tree):
    "Names that mean the same in every version: built-in ones, and those of other packages."
    found = set(dir(builtins))
    for node in ast.walk(tree):
        ours = (getattr(node, 'module', None) or '').startswith('math_llm')
        if isinstance(node, ast.Import) or isinstance(node, ast.ImportFrom) and not ours \
           and not node.level:
            found |= {(a.asname or a.name).split('.')[0] for a in node.names}
    return found


def name_of(node):
    "What a definition is called; a method added by `patch` belongs to its class."
    if isinstance(node, ast.FunctionDef) and 'patch' in map(ast.unparse, node.decorator_list):
        return f'{ast.unparse(node.args.args[0].annotation)}.{node.name}'
    targets = getattr(node, 'targets', [getattr(node, 'target', None)])
    return getattr(node, 'name', None) or getattr(targets[0], 'id', 'script')


@cache
def definitions(blob):
    "The parts of a module: name, names that it mentions, shape."
    tree, found = ast.parse(git('cat-file', 'blob', blob)), []
    kept = outside(tree)
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)): continue
        name = name_of(node)
        said = {getattr(n, 'id', getattr(n, 'attr', None)) for n in ast.walk(node)}
        title = name if isinstance(node, (ast.Assign, ast.AnnAssign)) else '' # of a constant
        new = Shape(kept).visit(node)
        if new and name != '__all__': found.append((name, said, title + ast.dump(new)))
    return found


@cache
def tree(commit):
    "The Python files of the project at a commit: their contents by path."
    lines = (line.split('\t') for line in git('ls-tree', '-r', commit).splitlines())
    return {path: facts.split()[2] for facts, path in lines if path.endswith('.py')}


@cache
def shapes(commit):
    "What all parts of the project looked like at a commit."
    return {shape for path, blob in tree(commit).items() if not path.endswith('_modidx.py')
            for _, _, shape in definitions(blob)}


@cache
def reached(path, entry=None):
    "What a file, or one function of it, can reach: file, name, shape."
    known, now = defaultdict(list), tree('HEAD')
    for file in imports(path) & now.keys():
        for name, said, shape in definitions(now[file]):
            known[name.split('.')[0]].append((file, name, said, shape))
    if entry: todo = [entry]
    else: todo = [name.split('.')[0] for name, _, _ in definitions(now[path])]
    seen, found = set(), set()
    while todo:
        if (name := todo.pop()) in seen or name not in known: continue
        seen.add(name)
        for file, name, said, shape in known[name]:
            if name == 'script' and file != path: continue # what runs when a module is imported
            if Path(file).stem not in PLUMBING: found.add((file, name, shape))
            todo += said
    return found


@cache
def commands():
    "The module and the function behind each command of the package."
    config = ConfigParser(delimiters=['='])
    config.read(ROOT/'settings.ini', encoding='utf-8')
    points = (line.split('=') for line in config['DEFAULT']['console_scripts'].split())
    parts = ((name, *point.split(':')) for name, point in points)
    return {name: (module.replace('.', '/') + '.py', function) for name, module, function in parts}


def models():
    "The weights of the shipped models, by name."
    found = ROOT.glob('math_llm/pretrained/*/model.safetensors')
    return {p.parent.name: p.relative_to(ROOT).as_posix() for p in found}


def made_by(path):
    "Runners, what they and the commands reach, and weights that a results file rests on."
    if 'pretrained' in path: return set(), set(), {str(Path(path).parent/'model.safetensors')}
    given = json.loads((ROOT/path).read_text(encoding='utf-8'))['command']
    words = re.findall(r'[\w./-]+', given if isinstance(given, str) else ' '.join(given))
    runners = {w for w in words if w.endswith('.py') and w in tree('HEAD')}
    starts = [(w, None) for w in runners] + [commands()[w] for w in words if w in commands()]
    code = set().union(*(reached(*start) for start in starts))
    return runners, code, {file for name, file in models().items() if name in words}


def results():
    "All results files, those of the shipped models too."
    folders = ('nbs/results/**/*.json', 'nbs/explanations/*/results/**/*.json')
    names = ('codebook.json', 'test_results.json', 'card.md')
    models = [f'math_llm/pretrained/*/{name}' for name in names]
    found = (path for pattern in (*folders, *models) for path in ROOT.glob(pattern))
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def changed(path):
    "When a file got other content, moves left aside; 0 for one that is not committed."
    times = (commit[0] for commit, _, new_path, old, new in history()
             if new_path == path and old != new)
    return next(times, 0)


def stale():
    "Results files older than their code: path, time, and what changed: runner, weights, package."
    for path in results():
        then, commit = age(path)
        if not then: continue
        runners, code, weights = made_by(path)
        new = {(file, name) for file, name, shape in code if shape not in shapes(commit)}
        found = ({x for x in new if x[0] in runners}, {w for w in weights if changed(w) > then},
                 {x for x in new if x[0] not in runners})
        if any(found): yield path, then, found


def listed(parts, names):
    "Changed parts, by module: how many there are, or their names."
    by = defaultdict(set)
    for file, name in parts: by[Path(file).stem].add(name)
    return ', '.join(f'{module} ({", ".join(sorted(found)) if names else len(found)})'
                     for module, found in sorted(by.items()))


def main():
    parser = argparse.ArgumentParser(description='List results files whose code has changed.')
    parser.add_argument('--files', action='store_true',
                        help='list each file, and name what changed')
    files, groups = parser.parse_args().files, defaultdict(list)
    for path, then, found in stale():
        alone = files or path.startswith(('nbs/results', 'math_llm'))
        groups[path if alone else f'{Path(path).parent}/'].append((then, found))
    for name, found in groups.items():
        oldest = date.fromtimestamp(min(t for t, _ in found))
        print(f'{name}  ({len(found)} file{"s" * (len(found) > 1)}, the oldest of {oldest})')
        runner, weights, code = (set().union(*(parts[i] for _, parts in found)) for i in range(3))
        if runner: print('    changed in its runner:', listed(runner, files))
        names = sorted(Path(w).parent.name for w in weights)
        if names: print('    new weights:', ', '.join(names))
        if code: print('    changed in the package:', listed(code, files))
    return 1 if groups else 0


if __name__ == '__main__': sys.exit(main())
