#!/usr/bin/env python
"""Check a built site as a reader's browser sees it: `_docs`, or a preview.

    python scripts/check_site.py _docs --axe axe.min.js
    python scripts/check_site.py _preview --pages index.html results.html

Of every page, at 1,400 and 360 pixels, light and dark: it asks no other host and for no file that
is missing, no script fails, nothing sticks out to the right, every picture has a text in its place
that no other picture on the page has. Links lead to pages and sections that are there. With `--axe`
(npm: axe-core) there is nothing critical or serious. It needs Playwright and Chromium, and exits
with 1 if something does not hold.
"""
import argparse
import re
import shutil
import sys
import threading
from contextlib import contextmanager
from functools import partial
from html import unescape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path
from urllib.parse import unquote

FLAGS = ('--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync '
         '--disable-background-networking --disable-component-update').split()
LOOK = r'''() => {
    const bad = [], seen = new Set(), width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth > width) {
        const wide = [...document.querySelectorAll('main *')].filter(e => e.checkVisibility() &&
            e.getBoundingClientRect().right > width + 1 && !e.closest('pre, [style*=overflow]'));
        bad.push('scrolls sideways: ' + wide.slice(0, 3).map(e => e.tagName + '.' + e.className));
    }
    const edge = document.querySelector('main').getBoundingClientRect().right + 1;
    for (const table of document.querySelectorAll('main table'))
        if (table.getBoundingClientRect().right > edge && !table.closest('.cell-output-display') ||
                width > 1000 && table.scrollWidth > table.clientWidth + 1)
            bad.push('leaves its column: ' + table.innerText.slice(0, 40));
    for (const img of document.querySelectorAll('main img')) {
        const box = img.getBoundingClientRect(), name = img.getAttribute('src').slice(0, 60);
        if (!img.alt) bad.push('no alt text: ' + name);
        else if (seen.has(img.alt)) bad.push('alt text twice: ' + img.alt);
        seen.add(img.alt);
        let at = img.parentElement;
        while (at.tagName != 'MAIN' && getComputedStyle(at).overflowX == 'visible')
            at = at.parentElement;
        if (box.right > at.getBoundingClientRect().right + 1) bad.push('cut off: ' + name);
        if (!img.naturalWidth && !/svg/.test(img.src)) bad.push('not there: ' + name);
    }
    const prose = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT);
    for (let text; text = prose.nextNode();)
        if (/\]\(|\*\*|\[\[|^:::/.test(text.data) &&
                !text.parentElement.closest('code, pre, script'))
            bad.push('Markdown that did not become a page: ' + text.data.slice(0, 60));
    return bad;
}'''


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass


@contextmanager
def serve(folder):
    "The address at which `folder` is served, on this machine alone."
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://127.0.0.1:{server.server_port}'
    server.shutdown()


@contextmanager
def browser(chromium):
    from playwright.sync_api import sync_playwright
    with sync_playwright() as p:
        b = p.chromium.launch(executable_path=chromium, args=FLAGS)
        yield b
        b.close()


def dead_links(folder, path):
    "Links of a page to files and sections that are not there."
    text = path.read_text(encoding='utf-8')
    body = re.sub(r'<(script|pre)\b.*?</\1>', '', text, flags=re.S)
    for target in set(re.findall(r'<a\b[^>]*?\bhref="([^"]*)"', body)):
        name, _, section = unescape(target).partition('#')
        if re.match(r'[a-z]+:|//', name): continue
        file = path if not name else (path.parent/unquote(name.split('?')[0])).resolve()
        if file.is_dir(): file = file/'index.html'
        if not file.exists(): yield f'dead link: {target}'
        elif section and file.suffix == '.html' and '=' not in section:
            if f'id="{unquote(section)}"' not in file.read_text(encoding='utf-8'):
                yield f'no such section: {target}'


def visit(b, home, name, width, theme, axe):
    "What is wrong with a page, and how many bytes it took."
    bad, size = [], 0
    tab = b.new_page(viewport=dict(width=width, height=900), color_scheme=theme)
    def refuse(route):
        bad.append(f'another host: {route.request.url[:80]}')
        route.abort()
    def arrived(response):
        nonlocal size
        if response.status >= 400: bad.append(f'{response.status}: {response.url[len(home):]}')
        size += int(response.headers.get('content-length', 0))
    tab.route(lambda url: not url.startswith((home, 'data:', 'blob:')), refuse)
    tab.on('response', arrived)
    tab.on('pageerror', lambda e: bad.append(f'script: {e}'))
    tab.goto(f'{home}/{name}')
    tab.wait_for_load_state('networkidle')
    bad += tab.evaluate(LOOK)
    if axe:
        tab.evaluate(axe)
        for v in tab.evaluate('axe.run()')['violations']:
            if v['impact'] in ('critical', 'serious'):
                nodes = [f"{n['target'][0]} {n['any'][0]['message'][:150] if n['any'] else ''}"
                         for n in v['nodes'][:3]]
                bad.append(f"axe {v['impact']} {v['id']} {len(v['nodes'])}x: {nodes}")
    tab.close()
    return bad, size


def main(args):
    folder, wrong = args.folder.resolve(), 0
    pages = [folder/p for p in args.pages] or sorted(folder.rglob('*.html'))
    for path in (folder, *pages, *filter(None, [args.axe])):
        if not path.exists(): sys.exit(f'check_site.py: there is no {path}')
    if not pages: sys.exit(f'check_site.py: {folder} holds no page')
    axe = args.axe.read_text(encoding='utf-8') if args.axe else None
    with serve(folder) as home, browser(args.chromium) as b:
        for path in pages:
            name = path.relative_to(folder).as_posix()
            found = set(dead_links(folder, path))
            for width, theme in product((1400, 360), ('light', 'dark')):
                bad, size = visit(b, home, name, width, theme, axe)
                found |= {f'{width} {theme} {x}' for x in bad}
            print(f'{name}: {size // 1000:,} kB' + ''.join(f'\n    {x}' for x in sorted(found)),
                  flush=True)
            wrong += bool(found)
    print(f'{len(pages)} pages, {wrong} with something wrong')
    return 1 if wrong else 0


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description='Check a built site in headless Chromium.')
    parser.add_argument('folder', type=Path)
    parser.add_argument('--pages', nargs='*', default=[], help='these pages alone')
    parser.add_argument('--axe', type=Path, help="axe-core's axe.min.js")
    parser.add_argument('--chromium', default=shutil.which('chromium') or 'chromium')
    sys.exit(main(parser.parse_args()))
