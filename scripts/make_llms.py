#!/usr/bin/env python
"""Write a Markdown version of every page beside it, and llms.txt, which lists them.

    python scripts/make_llms.py _docs

`learning.html` gets `learning.html.md`. The text is that of the notebook as nbdev hands it to
Quarto (`_proc`): prose, code, and what the cells showed, with a picture's alt text in its place.
"""
import argparse
import os
import re
import sys
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).parents[1]


def front_matter(nb): return yaml.safe_load(nb.cells[0].source.strip().strip('-'))


def shown(output, alt):
    "What a cell showed, as Markdown."
    data = output.get('data', {})
    if any(kind.startswith('image/') for kind in data): return f'[Picture: {alt}]'
    if 'text/markdown' in data: return ''.join(data['text/markdown'])
    return f"```text\n{''.join(output.get('text') or data.get('text/plain', '')).rstrip()}\n```"


def cell_text(cell):
    "A cell as Markdown."
    if cell.cell_type == 'markdown': return cell.source
    if cell.cell_type != 'code': return ''
    options = dict(re.findall(r'^#\| *([\w-]+): *(.*)$', cell.source, flags=re.M))
    code = re.sub(r'^#\|.*\n?', '', cell.source, flags=re.M).strip()
    parts = [] if options.get('echo') == 'false' or not code else [f'```python\n{code}\n```']
    return '\n\n'.join(parts + [shown(o, options.get('fig-alt', '').strip('"'))
                                for o in cell.outputs])


def page(nb, link):
    "A notebook as one Markdown text; `link` says where a link to a notebook leads."
    front = front_matter(nb)
    text = '\n\n'.join(filter(None, map(cell_text, nb.cells)))
    text = re.sub(r'```\{=html\}\n.*?\n```|<!--.*?-->|^:::.*$|\{target=[^}]*\}', '', text,
                  flags=re.S | re.M)
    text = re.sub(r'\]\(([^)#:\s]+\.ipynb)', lambda m: f']({link(m[1])}', text)
    text = re.sub(r'\n{3,}', '\n\n', text).strip()
    return f"# {front['title']}\n\n> {front.get('description', '')}\n\n{text}\n"


def sections(contents, name=''):
    "The sidebar as pairs of a section and a notebook."
    for item in contents:
        if isinstance(item, dict) and 'section' in item:
            yield from sections(item['contents'], item['section'])
        else: yield name, item if isinstance(item, str) else item['href']


def make(proc, docs):
    "Write the files into `docs`; their names."
    website = yaml.safe_load((proc/'_quarto.yml').read_text(encoding='utf-8'))['website']
    named = yaml.safe_load((proc/'nbdev.yml').read_text(encoding='utf-8'))['website']
    order = list(sections(website['sidebar']['contents']))
    nbs = {name: nbformat.read(proc/name, as_version=4) for _, name in order}
    at = {name: str(Path(name).parent/front_matter(nb)['output-file']) + '.md'
          for name, nb in nbs.items()}
    lines, last = [f"# {named['title']}", '', f"> {named['description']}"], None
    for section, name in order:
        def link(target, here=Path(name).parent):
            whole = os.path.normpath(here/target)
            return os.path.relpath(at[whole], here) if whole in at else target
        (docs/at[name]).parent.mkdir(parents=True, exist_ok=True)
        (docs/at[name]).write_text(page(nbs[name], link), encoding='utf-8')
        front = front_matter(nbs[name])
        if section != last: lines += ['', f"## {section or 'Start'}", '']
        lines.append(f"- [{front['title']}]({at[name]}): {front.get('description', '')}")
        last = section
    (docs/'llms.txt').write_text('\n'.join(lines) + '\n', encoding='utf-8')
    return [*at.values(), 'llms.txt']


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('folder', metavar='FOLDER', type=Path)
    folder = p.parse_args().folder
    if not folder.is_dir(): sys.exit(f'make_llms.py: there is no folder {folder}')
    print(f"{len(make(ROOT/'_proc', folder))} files")
