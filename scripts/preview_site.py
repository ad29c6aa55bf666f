#!/usr/bin/env python
"""Build something close to the site without Quarto, and look at it.

    python scripts/preview_site.py                         into _preview
    python scripts/preview_site.py 05_learning index       these pages anew
    python scripts/preview_site.py --shots FOLDER results  and their pictures, with Chromium

The pages are those that nbdev hands to Quarto (`_proc`), turned into HTML by pandoc 3 (PyPI:
pypandoc_binary), with the colours of Quarto's themes and the site's own styles. Pictures are taken
at 1,400 and 360 pixels, light and dark; they need Playwright and Chromium. `check_site.py` checks
what came out.
"""
import argparse
import base64
import html
import os
import re
import shutil
import subprocess
import sys
from itertools import product
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).parents[1]
PROC = ROOT/'_proc'


def process():
    "What nbdev hands to Quarto; notebooks that did not change since are left as they are."
    code = ('from nbdev.quarto import refresh_quarto_yml; from nbdev.serve import proc_nbs; '
            'refresh_quarto_yml(); proc_nbs(n_workers=1)')
    subprocess.run([sys.executable, '-c', code], cwd=ROOT, check=True,
                   env=os.environ | dict(PYTHONPATH=str(ROOT)))


def settings(cell):
    "The `#|` lines of a cell as a dictionary, and the rest of its source."
    lines = cell.source.splitlines()
    found = dict(re.match(r'#\| *([\w-]+): *(.*)', line).groups() for line in lines
                 if re.match(r'#\| *[\w-]+:', line))
    code = '\n'.join(line for line in lines if not line.startswith('#|')).strip('\n')
    return {k: yaml.safe_load(v) for k, v in found.items()}, code


def raw(text): return f'```{{=html}}\n{text}\n```'


def picture(data, options, save, many):
    "An image of a cell, as Quarto shows it."
    if 'image/svg+xml' in data: source = save('svg', ''.join(data['image/svg+xml']).encode())
    else: source = save('png', base64.b64decode(''.join(data['image/png'])))
    alt = options.get('fig-alt') or ''
    if isinstance(alt, list): alt = alt[many]
    text = f'<img src="{source}" alt="{html.escape(alt)}" class="figure-img">'
    caption = options.get('fig-cap')
    if caption: text += f'<figcaption>{html.escape(caption)}</figcaption>'
    return raw(f'<figure class="figure">{text}</figure>')


def output(out, options, save, many):
    "One output of a cell as Markdown, its kind with it."
    data = out.get('data', {})
    if any(k.startswith('image/') for k in data):
        return 'display', picture(data, options, save, many)
    if 'text/markdown' in data: return 'display', ''.join(data['text/markdown'])
    if 'text/html' in data: return 'display', raw(''.join(data['text/html']))
    text = ''.join(out.get('text') or data.get('text/plain', ''))
    return 'stdout', f'~~~~~~{{.text}}\n{text}\n~~~~~~'


def code_cell(cell, save):
    "A code cell as Markdown, in the boxes that Quarto puts around it."
    options, code = settings(cell)
    if options.get('include') is False: return ''
    parts, fold, pictures = [], options.get('code-fold', False), 0
    if code and options.get('echo') is not False:
        parts = [f'~~~~~~{{.python .cell-code}}\n{code}\n~~~~~~']
        if fold is not False:
            label = options.get('code-summary', 'Code')
            is_open = ' open' if fold == 'show' else ''
            parts = [raw(f'<details class="code-fold"{is_open}><summary>{label}</summary>'), *parts,
                     raw('</details>')]
    for out in cell.outputs:
        kind, text = output(out, options, save, pictures)
        pictures += '<img' in text
        asis = options.get('output') == 'asis'
        parts.append(text if asis else f'::: {{.cell-output .cell-output-{kind}}}\n{text}\n:::')
    if options.get('output') == 'asis' and options.get('echo') is False: return '\n\n'.join(parts)
    return '\n\n'.join([':::::: {.cell}', *parts, '::::::'])


def markdown(nb, save):
    "A page as Markdown, its front matter as a dictionary."
    texts, front = [], {}
    for cell in nb.cells:
        if cell.cell_type == 'raw': front |= yaml.safe_load(cell.source.strip().strip('-')) or {}
        if cell.cell_type == 'markdown': texts.append(cell.source)
        if cell.cell_type == 'code': texts.append(code_cell(cell, save))
    return '\n\n'.join(texts), front


def to_html(text):
    "Contents and body of a page, by pandoc."
    import pypandoc
    command = [pypandoc.get_pandoc_path(), '-f', 'markdown+emoji', '-t', 'html5', '--mathml',
               '--toc', '--toc-depth=3', '--wrap=none', '--syntax-highlighting=none',
               f'--template={ROOT}/scripts/preview/body.html', '-M', 'title=x']
    made = subprocess.run(command, input=text, capture_output=True, encoding='utf-8',
                          check=True).stdout
    return made.split('<!-- body -->')


def outline(names):
    "Every page's address and title, from what nbdev wrote."
    for name in names:
        front = nbformat.read(PROC/name, as_version=4).cells[0].source.strip().strip('-')
        front = yaml.safe_load(front)
        yield name, (str(Path(name).parent/front['output-file']), front['title'])


def menu(contents, pages, here):
    "Links of a navigation bar or sidebar as HTML."
    for item in contents:
        if isinstance(item, str): item = dict(href=item, text=pages[item][1])
        title = item.get('section', item.get('text', item.get('aria-label')))
        inside = item.get('contents', item.get('menu', []))
        if inside:
            inside = ''.join(menu(inside, pages, here))
            yield f'<li><span class="section">{title}</span><ul>{inside}</ul></li>'
            continue
        where = item['href']
        here_too = ' class="here" aria-current="page"' if where == here else ''
        if where in pages: where = '../' * here.count('/') + pages[where][0]
        yield f'<li><a href="{where}"{here_too}>{title}</a></li>'


def frame(name, front, body, toc, pages, config):
    "A whole page."
    site, up = config['website'], '../' * name.count('/')
    css = (ROOT/'scripts/preview/site.css').read_text(encoding='utf-8')
    bar, foot = site['navbar'], site.get('page-footer', {})
    bar = menu([*bar['left'], *bar.get('right', [])], pages, name)
    parts = dict(
        up=up, title=front['title'], css=css, body=body,
        icon=site['favicon'],
        description=re.sub('`(.+?)`', r'<code>\1</code>', front.get('description') or ''),
        layout=front.get('page-layout', ''), bar=''.join(bar),
        side=''.join(menu(site['sidebar']['contents'], pages, name)),
        toc=f'<h2>On this page</h2>{toc}' if toc.strip() and front.get('toc', True) else '',
        left=foot.get('left', ''), right=''.join(menu(foot.get('right', []), pages, name)),
        after=(PROC/config['format']['html']['include-after-body']).read_text(encoding='utf-8'))
    page = (ROOT/'scripts/preview/page.html').read_text(encoding='utf-8')
    return re.sub(r'\$(\w+)\$', lambda m: parts[m[1]], page)


def page(name, text, front, pages, config):
    "A page as HTML, its links leading to pages."
    toc, body = to_html(text)
    here = Path(name).parent
    def link(m):
        target = os.path.normpath(here/m[1])
        return f'href="{"../" * len(here.parts)}{pages[target][0]}' if target in pages else m[0]
    body = re.sub(r'href="([^":#]+\.ipynb)', link, body)
    return frame(name, front, body, toc, pages, config)


def build(out, wanted):
    "Write the pages that are `wanted`, or all, into `out`."
    config = yaml.safe_load((PROC/'_quarto.yml').read_text(encoding='utf-8'))
    names = sorted(p.relative_to(PROC).as_posix() for p in PROC.rglob('*.ipynb')
                   if not any(part[0] in '._' for part in p.relative_to(PROC).parts))
    pages = dict(outline(names))
    out.mkdir(exist_ok=True)
    nbs, shown = ROOT/'nbs', [*config['project']['resources'], 'images/*', 'styles.css']
    for source in (f for pattern in shown for f in nbs.glob(pattern) if f.is_file()):
        target = out/source.relative_to(nbs)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    for name in names:
        path = out/pages[name][0]
        if wanted and not wanted & {Path(name).stem, path.stem}: continue
        files = path.with_name(path.stem + '_files')
        shutil.rmtree(files, ignore_errors=True)

        def save(kind, data):
            files.mkdir(parents=True, exist_ok=True)
            picture = files/f'{len(list(files.iterdir()))}.{kind}'
            picture.write_bytes(data)
            return f'{files.name}/{picture.name}'

        text, front = markdown(nbformat.read(PROC/name, as_version=4), save)
        path.parent.mkdir(exist_ok=True)
        path.write_text(page(name, text, front, pages, config), encoding='utf-8')
        yield path
    if not wanted or '404' in wanted:
        _, front, text = (PROC/'404.md').read_text(encoding='utf-8').split('---\n', 2)
        path, front = out/'404.html', yaml.safe_load(front)
        path.write_text(page('404.md', text, front, pages, config), encoding='utf-8')
        yield path


def look(paths, folder, chromium):
    "Pictures of pages at two widths in both themes."
    from check_site import browser, serve
    folder.mkdir(parents=True, exist_ok=True)
    root = Path(os.path.commonpath([p.parent for p in paths]))
    with serve(root) as home, browser(chromium) as b:
        for path, width, theme in product(paths, (1400, 360), ('light', 'dark')):
            tab = b.new_page(viewport=dict(width=width, height=900), color_scheme=theme)
            tab.goto(f'{home}/{path.relative_to(root)}')
            tab.wait_for_timeout(500)
            height = tab.evaluate('document.documentElement.scrollHeight')
            for i, top in enumerate(range(0, height, 2400)):
                clip = dict(x=0, y=top, width=width, height=min(2400, height - top))
                page = '-'.join(path.relative_to(root).with_suffix('').parts)
                name = f'{page}-{width}-{theme}-{i}.png'
                tab.screenshot(path=folder/name, full_page=True, clip=clip)
            tab.close()


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description='Build the site without Quarto, nearly.')
    parser.add_argument('pages', nargs='*', help='names of notebooks; all, if none is given')
    parser.add_argument('--out', type=Path, default=ROOT/'_preview')
    parser.add_argument('--shots', type=Path, help='folder for pictures')
    parser.add_argument('--as-is', action='store_true', help='take _proc as it stands')
    parser.add_argument('--chromium', default=shutil.which('chromium') or 'chromium')
    args = parser.parse_args()
    if not args.as_is: process()
    made = list(build(args.out, {Path(p).stem for p in args.pages}))
    print(f'{len(made)} pages in {args.out}')
    if args.shots: look(made, args.shots, args.chromium)
