#!/usr/bin/env python
"""Make README.md from nbs/index.ipynb: its text, its code, and the outputs that are stored in it.

    python scripts/make_readme.py                 write README.md
    python scripts/make_readme.py --check         exit 1 when README.md is not what the index says
    python scripts/make_readme.py --command 2     print the README's second command

Hidden cells stay out. Links that are relative to nbs/ become relative to the project.
"""
import argparse
import posixpath
import re
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
NOTE = '<!-- Made from nbs/index.ipynb by scripts/make_readme.py: edit the notebook. -->\n\n'
HIDDEN = {'hide', 'export', 'exporti', 'default_exp'}
link = re.compile(r'(\]\()([^)#\s]+)([^)]*\))')


def relink(text):
    "`text` with its relative links seen from the project's folder, fenced code left alone."
    def move(match):
        target = match[2]
        return match[0] if '://' in target or target.startswith('mailto:') else \
            match[1] + posixpath.normpath(f'nbs/{target}') + match[3]
    parts = re.split(r'(^```.*?^```$)', text, flags=re.M | re.S)
    return ''.join(part if part.startswith('```') else link.sub(move, part) for part in parts)


def without_html(text):
    "`text` without what is HTML for the site alone."
    return re.sub(r'^```\{=html\}$.*?^```$\n*', '', text, flags=re.M | re.S)


def render_output(output):
    "What a cell showed, as Markdown."
    data = output.get('data', {})
    if 'text/markdown' in data: return relink(without_html(data['text/markdown']).strip())
    text = output.get('text') or data.get('text/plain')
    if text is None or any(kind.startswith('image/') for kind in data):
        raise SystemExit(f'make_readme.py: cannot put a {output.output_type} of {list(data)} into '
                         f'the README')
    return f'```text\n{text.rstrip()}\n```'


def render_cell(cell):
    "The Markdown of one cell, '' for a hidden one."
    if cell.cell_type == 'markdown': return relink(without_html(cell.source).strip())
    if cell.cell_type != 'code': return ''
    lines = cell.source.splitlines()
    directives = {line[2:].strip() for line in lines if line.startswith('#|')}
    if HIDDEN & {d.split()[0].rstrip(':') for d in directives}: return ''
    code = '\n'.join(line for line in lines if not line.startswith('#|')).strip()
    shown = [] if 'echo: false' in directives or not code else [f'```python\n{code}\n```']
    return '\n\n'.join(shown + [render_output(output) for output in cell.outputs])


def readme(notebook=ROOT/'nbs/index.ipynb'):
    "The README as the index has it."
    nb = nbformat.read(notebook, as_version=4)
    return NOTE + '\n\n'.join(filter(None, map(render_cell, nb.cells))) + '\n'


def commands(text):
    "The shell commands that `text` offers, in order: the contents of its ```sh blocks."
    return [block.strip() for block in re.findall(r'^```sh\n(.*?)^```$', text, flags=re.M | re.S)]


def main():
    parser = argparse.ArgumentParser(description='Make README.md from nbs/index.ipynb.')
    parser.add_argument('--check', action='store_true', help='compare, write nothing')
    parser.add_argument('--command', type=int, metavar='N',
                        help='print the Nth command of README.md')
    args, path = parser.parse_args(), ROOT/'README.md'
    if args.command is not None:
        found = commands(path.read_text(encoding='utf-8'))
        if not 1 <= args.command <= len(found):
            parser.error(f'--command is a number from 1 to {len(found)}')
        print(found[args.command-1])
    elif not args.check: path.write_text(readme(), encoding='utf-8')
    elif path.read_text(encoding='utf-8') != readme():
        print('README.md is not what nbs/index.ipynb says: run scripts/make_readme.py',
              file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__': sys.exit(main())
