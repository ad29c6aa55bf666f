#!/usr/bin/env python
"""Try the live page in headless Chromium: parity with PyTorch, the prepared experiments, odd input,
speed.

    python scripts/try_page.py                     what holds; exit 1 if something does not
    python scripts/try_page.py --shots FOLDER      with pictures at 1400 and 360 pixels
    python scripts/try_page.py --axe axe.min.js    with axe's findings on accessibility
    python scripts/try_page.py --keys              the page by keyboard alone

Looks, axe and the keyboard are tried at two widths in both themes.

It needs Playwright and Chromium (`--chromium`, default: what is called chromium). The page is what
stands in nbs/live.ipynb, without the theme of the site. Speeds are given by the clock and by
processor time of the page's thread.
"""
import argparse
import json
import re
import shutil
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from itertools import product
from pathlib import Path

import nbformat
import numpy as np
from math_llm.chains import render
from math_llm.decoding import generate
from math_llm.evaluation import held_out_problems
from math_llm.files import load_pretrained, problem_config
from math_llm.permutations import Puzzles

NBS = Path(__file__).parents[1]/'nbs'
FLAGS = ('--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync '
         '--disable-background-networking --disable-component-update').split()
PANEL = '.live [role=tabpanel]:not([hidden])'
VIEWS = dict(think='#tab=think', add='#tab=add&model=taught&sum=99999999%2B1',
             look='#tab=look&model=invented_pairs&sum=12345678%2B87654321&layer=1&at=17',
             ball='#tab=ball&ball=23141592')


def page(theme):
    "The live page as HTML."
    cells = nbformat.read(NBS/'live.ipynb', as_version=4).cells
    outputs = [o for c in cells for o in c.get('outputs', [])]
    texts = [o.data.get('text/markdown', '') for o in outputs if 'data' in o]
    texts += [c.source for c in cells if c.cell_type == 'markdown']
    body = '\n'.join(m for t in texts for m in re.findall(r'```\{=html\}\n(.*?)```', t, flags=re.S))
    ground, ink = dict(light=('#fff', '#111'), dark=('#222', '#eee'))[theme]
    return f'''<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Try it</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">
<style>body {{ margin: 1rem; font-family: system-ui; background: {ground};
 color: {ink} }}</style></head>
<body class="quarto-{theme}"><main><h1>Try it</h1>{body}</main></body></html>'''


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass
    def do_GET(self):
        m = re.match(r'/(light|dark)\.html', self.path)
        if not m: return super().do_GET()
        text = page(m[1]).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'text/html; charset=utf-8')
        self.send_header('Content-Length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)


def prompts(model, n, seed=22):
    "Held-out problems as a model wants them written."
    if 'max_digits' not in model.meta.trained_on:
        p = Puzzles.draw(n, np.random.default_rng(seed), test=True)
        return [f'{s}{"".join(map(str, moves))}=' for s, moves in zip(p.start, p.moves)]
    return render(held_out_problems(model, n, seed), problem_config(model.meta)).prompts()


RUN = '''async ([name, prompts]) => {
    const {generate, load_model} = await import('/web/engine.js');
    const bytes = await (await fetch(`/pretrained/${name}/model.safetensors`)).arrayBuffer();
    const model = load_model(bytes), texts = [];
    generate(model, prompts[0]);
    const begin = performance.now();
    let n = 0;
    for (const prompt of prompts) {
        const got = generate(model, prompt);
        texts.push(got.text);
        n += got.tokens.length;
    }
    const seconds = (performance.now() - begin) / 1000;
    return {texts, n, seconds, bytes: bytes.byteLength};
}'''


def parity(tab, name, n):
    "The same greedy texts as PyTorch's; tokens a second."
    model = load_pretrained(name)
    asked = prompts(model, n)
    cdp = tab.context.new_cdp_session(tab)
    cdp.send('Performance.enable', dict(timeDomain='threadTicks'))
    def busy():
        metrics = cdp.send('Performance.getMetrics')['metrics']
        return next(m['value'] for m in metrics if m['name'] == 'TaskDuration')

    before, got = busy(), tab.evaluate(RUN, [name, asked])
    cpu = busy() - before
    same = sum(a == b for a, b in zip(got['texts'], generate(model, asked).texts()))
    print(f"{name}: {same} of {n} texts as PyTorch's; tokens a second: "
          f"{got['n'] / got['seconds']:.0f} by the clock, {got['n'] / cpu:.0f} by processor time; "
          f"{1000 * cpu / n:.1f} ms an answer; {got['bytes']:,} bytes")
    return same == n


def experiments(tab):
    "The prepared experiments, one click each, and nothing typed becomes HTML."
    verdict, good = f'{PANEL} .verdict', True
    for title in tab.locator('.live .experiments strong').all_inner_texts():
        tab.click(f'.live .experiments >> text={title}')
        done = f"/[✓✗]/.test(document.querySelector('{verdict}').textContent)"
        tab.wait_for_function(done, timeout=60_000)
        tab.wait_for_timeout(300)
        what = ' '.join(tab.locator(f'{PANEL} .what').all_inner_texts())
        print(f'{title}: {tab.inner_text(verdict).splitlines()[0]} {what}')
        good &= tab.inner_text('.live .error') == ''
    tab.fill(f'{PANEL} input[type=text] >> nth=0', '<img src=x onerror=alert(1)>')
    tab.keyboard.press('Enter')
    tab.wait_for_timeout(300)
    good &= 'whole numbers' in tab.inner_text('.live .error')
    return good and not tab.locator('.live img').count()


def odd(open_tab):
    "What may be typed or stand in an address: one line says what is wrong, and nothing is lost."
    tab, wrong = open_tab(where='#tab=think&sum=no'), []
    box, verdict = f'{PANEL} input[type=text] >> nth=0', f'{PANEL} .verdict'
    def says(what, selector, text, typed=None):
        "Does an element come to hold a text, and the field for the sum what was typed?"
        try: tab.locator(selector, has_text=text).first.wait_for(state='attached', timeout=30_000)
        except Exception: return wrong.append(f'{what}: {tab.inner_text(selector)!r}')
        if typed not in (None, tab.input_value(box)):
            wrong.append(f'{what}: the field holds {tab.input_value(box)!r}')
    def send(text):
        tab.fill(box, text)
        tab.keyboard.press('Enter')

    says('no sum', '.live .error', 'Only whole numbers', 'no')
    tab.click('text=Silence the thoughts')
    says('no thoughts yet', '.live .error', 'Only whole numbers')
    if tab.is_visible('text=Make the others agree'): wrong.append('there are no others to agree')
    send('')
    says('nothing typed', '.live .error', 'Type a sum', '')
    tab.reload()
    says('nothing in the address', '.live .error', 'Type a sum', '')
    send('1 \n+ 2')
    says('blanks', verdict, '1 + 2 = 3', '1+2')
    tab.evaluate("location.hash = '#a-section'")
    tab.wait_for_timeout(500)
    says('a link to a section', verdict, '1 + 2 = 3', '1+2')
    tab.evaluate(f"location.hash = '#tab=think&sum=1%2B2&thoughts={'<end>' * 16}'")
    tab.wait_for_timeout(500)
    says('thoughts that are none', verdict, '1 + 2 = 3 ✓')
    tab.route('**/invented/*', lambda route: route.abort())
    tab.evaluate("location.hash = '#tab=think&sum=1%2B2%2B3&model=invented'")
    says('no network', '.live .error', 'could not be fetched', '1+2+3')
    tab.unroute('**/invented/*')
    tab.click(f'{PANEL} button.main')
    says('the network again', verdict, '1 + 2 + 3 = 6')
    tab.close()
    print(f"odd input: {'; '.join(wrong) or 'all of it is answered'}", flush=True)
    return not wrong


def looks(open_tab, args):
    "Every view at two widths in both themes: does it fit, and what does axe find?"
    good = True
    for theme, width, name in product(('light', 'dark'), (1400, 360), VIEWS):
        tab = open_tab(theme, width, VIEWS[name])
        tab.wait_for_timeout(3000)
        if name == 'think': tab.click('.live .experiments button >> nth=0')
        if name == 'ball': tab.click(f'{PANEL} .board button >> nth=2')
        tab.wait_for_timeout(1500)
        wide, found = tab.evaluate('document.documentElement.scrollWidth > innerWidth'), []
        if args.shots: tab.screenshot(path=args.shots/f'{name}-{theme}-{width}.png', full_page=True)
        if args.axe:
            tab.evaluate(args.axe.read_text(encoding='utf-8'))
            found = [(v['id'], v['impact']) for v in tab.evaluate('axe.run()')['violations']]
        print(f"{name} {theme} {width}: axe {found}; {'scrolls sideways' if wide else 'fits'}")
        good &= not wide and not any(impact in ('critical', 'serious') for _, impact in found)
        tab.close()
    return good


FOCUS = '''() => {
    const at = document.activeElement;
    if (!at.closest('.live')) return 'outside';
    const s = getComputedStyle(at.type === 'radio' ? at.nextElementSibling : at);
    return s.outlineStyle !== 'none' && s.outlineWidth !== '0px' ? 'seen'
        : `not seen: ${at.tagName} ${at.textContent.slice(0, 30)}`;
}'''


def by_keyboard(open_tab, theme, width):
    "Go through the page with Tab, arrows and Enter: what does not work."
    tab, wrong = open_tab(theme, width), set()
    def focus(selector, key='Tab', most=80):
        "Press a key until what `selector` names has the focus; each stop has to be seen."
        for _ in range(most):
            tab.keyboard.press(key)
            stop = tab.evaluate(FOCUS)
            if stop.startswith('not seen'): wrong.add(stop)
            if tab.evaluate('s => document.activeElement.matches(s)', selector): return
        wrong.add(f'not reached with {key}: {selector}')
    def wait(what, condition):
        try: tab.wait_for_function(condition, timeout=30_000)
        except Exception: wrong.add(f'did not come: {what}')
    def shows(selector): return f"document.querySelector('{PANEL} {selector}')?.offsetParent"

    focus('.experiments button')
    tab.keyboard.press('Enter')
    wait('a wrong carry', shows('.thoughts .changed'))
    focus('[role=tab][aria-selected=true]')
    names = tab.locator('.live [role=tab]').all_inner_texts()
    for name in names[2:] + names[:2]:
        tab.keyboard.press('ArrowRight')
        wait(name, f"document.activeElement.textContent === '{name}' && "
                   "document.activeElement.ariaSelected === 'true'")
    focus('.thoughts button')
    before = tab.inner_text(f'{PANEL} .verdict')
    tab.keyboard.press('Enter')
    wait('another answer', f"document.querySelector('{PANEL} .verdict').innerText !== "
                           f"{json.dumps(before)} || {shows('.thoughts .changed')}")
    wait('focus on the thought', "document.activeElement.matches('.thoughts button')")
    focus('[role=tab]', 'Shift+Tab')
    tab.keyboard.press('End')
    wait('the ball', shows('.board button'))
    focus('.board button')
    tab.keyboard.press('Enter')
    wait('choices', "document.activeElement.type === 'radio'")
    tab.keyboard.press('ArrowRight')
    wait('another thought', shows('.board .changed'))
    focus('[role=tab]', 'Shift+Tab')
    tab.keyboard.press('Home')
    wait('tokens', shows('button[data-i]'))
    focus('button[data-i]')
    tab.keyboard.press('ArrowRight')
    wait('the next token', "document.activeElement.matches('button[data-i]')")
    focus('[role=tab]', 'Shift+Tab')
    tab.keyboard.press('ArrowRight')
    tab.keyboard.press('ArrowRight')
    wait('the lens', shows('button[tabindex="0"][data-at]'))
    focus('button[data-at]')
    tab.keyboard.press('ArrowUp')
    wait('another cell', "document.activeElement.matches('button[data-at]')")
    for _ in range(60):                                     # and out again
        tab.keyboard.press('Tab')
        if tab.evaluate(FOCUS) == 'outside': break
    else: wrong.add('no way out')
    tab.close()
    print(f"keyboard {theme} {width}: {'; '.join(sorted(wrong)) or 'all of it'}", flush=True)
    return not wrong


def main(args):
    from playwright.sync_api import sync_playwright
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Handler, directory=NBS))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home, mistakes, good = f'http://127.0.0.1:{server.server_port}', [], True
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=args.chromium, args=FLAGS)
        def open_tab(theme='light', width=1400, where=''):
            tab = browser.new_page(viewport=dict(width=width, height=900))
            tab.on('pageerror', lambda e: mistakes.append(str(e)))
            tab.on('dialog', lambda d: (mistakes.append(d.message), d.dismiss()))
            tab.goto(f'{home}/{theme}.html{where}')
            tab.wait_for_selector('.live .tabs')
            return tab
        tab = open_tab()
        for path in sorted((NBS/'pretrained').glob('*/model.safetensors')):
            good &= parity(tab, path.parent.name, args.n)
        good &= experiments(tab)
        good &= odd(open_tab)
        for theme, width in product(('light', 'dark'), (1400, 360)) if args.keys else ():
            good &= by_keyboard(open_tab, theme, width)
        if args.shots or args.axe: good &= looks(open_tab, args)
        browser.close()
    for m in mistakes: print('on the page:', m)
    return 0 if good and not mistakes else 1


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description='Try the live page in headless Chromium.')
    parser.add_argument('--chromium', default=shutil.which('chromium') or 'chromium')
    parser.add_argument('--n', type=int, default=100, help='problems for each model')
    parser.add_argument('--keys', action='store_true', help='try the keyboard')
    parser.add_argument('--shots', type=Path, help='folder for pictures')
    parser.add_argument('--axe', type=Path, help="axe-core's axe.min.js")
    args = parser.parse_args()
    if args.shots: args.shots.mkdir(parents=True, exist_ok=True)
    sys.exit(main(args))
