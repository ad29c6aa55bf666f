#!/usr/bin/env python
"""Hold our linear interchange to pyvene's, and write nbs/results/pyvene.json.

    pip install pyvene && python scripts/check_pyvene.py

The cells of nbs/13_contract.ipynb do the work, up to the one that compares; where pyvene is
installed they compare in the tests too. pyvene brings transformers and some sixty other packages,
so it is not among the developers' tools.
"""
import argparse
import json
import re
import sys
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from math_llm.results import write_results

ROOT = Path(__file__).parents[1]


def compared():
    "What the notebook's cells find, in a list of rows."
    there = {}
    for cell in json.loads((ROOT / 'nbs/13_contract.ipynb').read_text(encoding='utf-8'))['cells']:
        source = ''.join(cell['source'])
        if cell['cell_type'] != 'code' or re.search(r'^#\| *(eval: *false|gpu|slow)', source, re.M):
            continue
        exec(compile(source, cell['id'], 'exec'), there)
        if 'compared' in there:
            return there['compared']


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.parse_args()
    if not find_spec('pyvene'):
        sys.exit('check_pyvene.py: pyvene is not installed')
    began = time.perf_counter()
    rows = compared()
    write_results(ROOT / 'nbs/results/pyvene.json', 'Linear interchange, ours and pyvene',
                  'python scripts/check_pyvene.py', [0], time.perf_counter() - began,
                  replace=True, pyvene=version('pyvene'), compared=rows)
