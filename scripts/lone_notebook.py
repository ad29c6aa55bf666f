#!/usr/bin/env python
"""Run notebooks as Colab has them: each by itself, in an empty folder, with the installed package.

    python scripts/lone_notebook.py nbs/0*.ipynb nbs/1*.ipynb

Cells that nbdev skips (`#| eval: false`, `#| slow`, `#| gpu`) are skipped here too. It needs execnb
and what the notebooks' install cell names; exit 1 if a cell raised.
"""
import argparse
import json
import os
import re
import sys
import tempfile
from pathlib import Path

from execnb.shell import CaptureShell


def run(path):
    "The number of cells that ran; if one raised, it is shown with its error, and 0 returned."
    cells = json.loads(Path(path).read_text(encoding='utf-8'))['cells']
    shell, n, home = CaptureShell(), 0, os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for cell in cells:
                source = ''.join(cell['source'])
                skip = re.search(r'^#\| *(eval: *false|slow|gpu)\b', source, flags=re.M)
                if cell['cell_type'] != 'code' or skip: continue
                shell.run(source)
                if shell.exc:
                    print(f'{path}: {shell.exc!r} in\n{source}')
                    return 0
                n += 1
        finally: os.chdir(home)
    return n


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('notebooks', metavar='NOTEBOOK', nargs='+')
    paths, good = p.parse_args().notebooks, True
    if wrong := [p for p in paths if not (p.endswith('.ipynb') and Path(p).is_file())]:
        sys.exit(f'lone_notebook.py: {wrong[0]} is no notebook')
    for path in paths:
        n = run(path)
        good &= n > 0
        print(f'{path}: {n} cells', flush=True)
    sys.exit(not good)
