#!/usr/bin/env python
"""Draw nbs/images/contract.svg: the causal contract of models beside each other, from the results
files of the page about it.

    python scripts/draw_contract.py [FILE]
"""
import sys
from pathlib import Path
from runpy import run_path

import matplotlib
from math_llm.contract import plot_contract

ROOT = Path(__file__).parents[1]
GREY = '#7a7a7a'  # to be read on white and on black
STYLE = {'svg.hashsalt': 'contract', 'svg.fonttype': 'none', 'axes.edgecolor': GREY}
STYLE |= dict.fromkeys(('text.color', 'axes.labelcolor', 'xtick.color', 'ytick.color'), GREY)

if __name__ == '__main__':
    matplotlib.use('svg')
    path = sys.argv[1] if len(sys.argv) > 1 else ROOT / 'nbs/images/contract.svg'
    reports = run_path(str(ROOT / 'nbs/explanations/the_contract/study.py'))['together']()
    with matplotlib.rc_context(STYLE):
        plot_contract(reports).savefig(path, transparent=True, metadata={'Date': None})
