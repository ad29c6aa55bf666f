#!/usr/bin/env python
"""Try `explore(model)` in a real JupyterLab: rewrite a thought, read the experiment below it.

    python scripts/try_widget.py                   what holds; exit 1 if something does not
    python scripts/try_widget.py --shot FILE.png   with a picture

It starts JupyterLab on this machine alone, in an empty folder, and opens it in headless Chromium
(`--chromium`, default: what is called chromium). It needs Playwright and anywidget.
"""
import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import nbformat
from check_site import browser

v4 = nbformat.v4
CELLS = (
    "from math_llm import load_pretrained\nfrom math_llm.live import explore",
    "widget = explore(load_pretrained('invented_pairs'), codebook='invented_pairs')\nwidget",
    "tried, = widget.experiments\n"
    "print('read:', tried['answer_before'], tried['answer'], tried['outcome'])",
)


@contextmanager
def lab(folder):
    "The address of a JupyterLab of this environment that serves `folder`."
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    home = f'http://127.0.0.1:{port}'
    options = f'--ServerApp.port={port} --ServerApp.ip=127.0.0.1 --no-browser --allow-root'.split()
    options += ['--IdentityProvider.token=', f'--ServerApp.root_dir={folder}',
                '--LabApp.news_url=', '--LabApp.check_for_updates_class='
                'jupyterlab.NeverCheckForUpdate']
    env = os.environ | {k: folder for k in ('JUPYTER_CONFIG_DIR', 'JUPYTER_RUNTIME_DIR',
                                            'JUPYTERLAB_SETTINGS_DIR', 'JUPYTERLAB_WORKSPACES_DIR')}
    log = open(Path(folder)/'lab.log', 'w', encoding='utf-8')
    server = subprocess.Popen([sys.executable, '-m', 'jupyterlab', *options], env=env, stdout=log,
                              stderr=log)
    try:
        for _ in range(120):
            try: urlopen(f'{home}/api').close()
            except OSError: time.sleep(1)
            else: break
        else: sys.exit(Path(log.name).read_text(encoding='utf-8'))
        yield home
    finally:
        server.terminate()
        server.wait()


def run_cells(tab, n):
    "Run the next `n` cells and wait until they are done."
    for _ in range(n):
        tab.keyboard.press('Shift+Enter')
        tab.wait_for_timeout(500)
    tab.wait_for_function("![...document.querySelectorAll('.jp-InputPrompt')]"
                          ".some(p => p.textContent.includes('*'))", timeout=180_000)


def rewrite(tab):
    "Change a thought that tells a carry; the answer before and after, and what the page says."
    tab.wait_for_selector('.live .thoughts button', timeout=120_000)
    before = tab.inner_text('.live .verdict strong')
    tab.locator('.live .thoughts button', has_text='carry into').first.click()
    tab.wait_for_function("document.querySelector('.live .thoughts .changed')")
    return before, tab.inner_text('.live .verdict strong'), tab.inner_text('.live .what')


def main(args):
    with tempfile.TemporaryDirectory() as folder, lab(folder) as home, browser(args.chromium) as b:
        nb = v4.new_notebook(cells=[v4.new_code_cell(c) for c in CELLS])
        nb.metadata.kernelspec = dict(name='python3', display_name='Python 3', language='python')
        nbformat.write(nb, Path(folder)/'try.ipynb')
        tab = b.new_page(viewport=dict(width=1400, height=1100))
        tab.goto(f'{home}/lab/tree/try.ipynb')
        tab.wait_for_selector('.jp-Notebook-cell .jp-InputArea-editor', timeout=120_000)
        tab.click('.jp-Notebook-cell >> nth=0')
        tab.wait_for_function("document.body.innerText.includes('| Idle')", timeout=120_000)
        run_cells(tab, 2)
        before, after, said = rewrite(tab)
        print(f'rewritten in the widget: {before} became {after}. {said}')
        tab.click('.jp-Notebook-cell >> nth=2')
        run_cells(tab, 1)
        outputs = tab.locator('.jp-Notebook-cell >> nth=2').locator('.jp-OutputArea').inner_text()
        print('the cell below:', outputs.strip())
        if args.shot: tab.screenshot(path=args.shot)
        numbers = [''.join(filter(str.isdigit, x)) for x in (before, after)]
    return 0 if outputs.strip() == f'read: {numbers[0]} {numbers[1]} obeyed' else 1


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description='Try the widget in a real JupyterLab.')
    parser.add_argument('--chromium', default=shutil.which('chromium') or 'chromium')
    parser.add_argument('--shot', type=Path, help='file for a picture')
    sys.exit(main(parser.parse_args()))
