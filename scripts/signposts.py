#!/usr/bin/env python
"""Say on each page how long it takes, and where to go next.

    python scripts/signposts.py            write both into every notebook of nbs/
    python scripts/signposts.py --check    exit 1 when a page says something else, and name it

The order is that of the sidebar in _quarto.yml. A minute is 200 words, 15 lines of exported code,
40 lines of other code or two pictures; what a page hides is not counted. The two cells have the ids
`signpost-time` (behind the title) and `signpost-next` (at the end). scripts/run_notebook.py renews
those of the notebooks that it runs.
"""
import argparse
import re
import sys
from functools import cache
from math import ceil
from posixpath import dirname, relpath
from pathlib import Path

import nbformat
import yaml

NBS = Path(__file__).parents[1]/'nbs'
HOME, PATHS = 'index.ipynb', 'index.ipynb#three-ways-through'
TIME, NEXT = 'signpost-time', 'signpost-next'
PICTURES = {'image/png', 'image/svg+xml', 'text/html'}


@cache
def sections():
    "The pages of each section of the sidebar, in order; those outside sections are under ''."
    found = {'': []}
    contents = yaml.safe_load((NBS/'_quarto.yml').read_text(encoding='utf-8'))
    for item in contents['website']['sidebar']['contents']:
        where = item.get('section', '') if isinstance(item, dict) else ''
        for page in item.get('contents', [item]) if isinstance(item, dict) else [item]:
            name = page if isinstance(page, str) else page['href']
            found.setdefault(where, []).append(name)
    return found


def read(name): return nbformat.read(NBS/name, as_version=4)


@cache
def headline(name):
    "Title and line of a page."
    first = next(c for c in read(name).cells if c.cell_type == 'markdown')
    return re.search(r'^# (.+)$', first.source, re.M)[1], re.search(r'^> (.+)$', first.source,
                                                                    re.M)[1]


def prose(text):
    "The words of Markdown, without code, tables and HTML."
    text = re.sub(r'^```.*?^```$|^\|.*$|<[^>\n]+>|\]\([^)]*\)', ' ', text, flags=re.M | re.S)
    return len(re.findall(r"[\w'’.,·%]*\w[\w'’.,·%]*", text))


def size(nb):
    "Words, lines of exported code, lines of other code and pictures that a reader of a page meets."
    words = exported = other = pictures = 0
    for cell in nb.cells:
        if cell.id in (TIME, NEXT): continue
        if cell.cell_type == 'markdown': words += prose(cell.source)
        if cell.cell_type != 'code': continue
        flags = {line[2:].strip() for line in cell.source.splitlines() if line.startswith('#|')}
        shown = [o.data for o in cell.outputs if 'data' in o and 'hide' not in flags]
        words += sum(prose(data['text/markdown']) for data in shown if 'text/markdown' in data)
        pictures += sum(bool(PICTURES & data.keys()) for data in shown)
        if {'hide', 'echo: false'} & flags: continue
        lines = sum(bool(line.strip()) and line[:2] != '#|' for line in cell.source.splitlines())
        if {'export', 'exports', 'exporti'} & flags: exported += lines
        else: other += lines
    return words, exported, other, pictures


def minutes(*names):
    "How long pages take together."
    parts = [size(read(name)) for name in names]
    return sum(w/200 + e/15 + o/40 + p/2 for w, e, o, p in parts)


def in_words(n):
    "Minutes as a reader is told them."
    if n <= 1: return 'a minute'
    if n <= 10: return f'{ceil(n)} minutes'
    if n < 55: return f'{5*round(n/5)} minutes'
    return 'an hour' if n < 75 else f'{round(n/30)/2:g} hours'


def link(name, target, text): return f'[{text}]({relpath(target, dirname(name) or ".")})'


def order():
    "All pages as the sidebar has them."
    return sum(sections().values(), [])


def section_of(name): return next(s for s, pages in sections().items() if name in pages)


def signposts(name):
    "What stands at the beginning and at the end of a page."
    where = section_of(name)
    pages = sections()[where]
    place = f'{where}, page {pages.index(name)+1} of {len(pages)}. ' if where else ''
    start = f'*{place}About {in_words(minutes(name))}.*'
    after = order()[order().index(name)+1:]
    if not after or 'Reference' in (where, section_of(after[0])):
        return start, f'**Next:** back to {link(name, PATHS, "the three ways through")}.'
    title, line = headline(after[0])
    return start, f'**Next:** {link(name, after[0], title)}. {line}{"" if line[-1] == "?" else "."}'


def signed(name):
    "The notebook `name` with its signposts, and whether they were there."
    nb = read(name)
    if name == HOME: return nb, True
    texts = dict(zip((TIME, NEXT), signposts(name)))
    before = [(c.id, c.source) for c in nb.cells]
    kept = [c for c in nb.cells if c.id not in texts]
    new = {id: nbformat.v4.new_markdown_cell(text, id=id) for id, text in texts.items()}
    title = next(i for i, c in enumerate(kept) if c.cell_type == 'markdown')
    title += kept[title+1].source.startswith('#| eval: false')    # what Colab needs comes first
    nb.cells = [*kept[:title+1], new[TIME], *kept[title+1:], new[NEXT]]
    return nb, [(c.id, c.source) for c in nb.cells] == before


def update(names, write=True):
    "Renew the signposts of pages; returns the names of those where something was not so."
    stale = []
    for name in names:
        nb, same = signed(name)
        if same: continue
        stale.append(name)
        text = nbformat.writes(nb)
        if write: (NBS/name).write_text(text + '\n'*(text[-1:] != '\n'), encoding='utf-8')
    return stale


def main():
    parser = argparse.ArgumentParser(description='Renew the signposts of all pages.')
    parser.add_argument('--check', action='store_true', help='compare, write nothing')
    check = parser.parse_args().check
    stale = update(order(), write=not check)
    if check and stale: print(f'run scripts/signposts.py: {", ".join(stale)}', file=sys.stderr)
    return int(check and bool(stale))


if __name__ == '__main__': sys.exit(main())
