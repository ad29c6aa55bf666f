#!/usr/bin/env python
"""Draw nbs/images/contract.svg: the causal contract of models beside each other, from the results
files of the page about it.

    python scripts/draw_contract.py [FILE]
"""
import argparse
import re
from io import StringIO
from pathlib import Path
from runpy import run_path

import matplotlib
from matplotlib.colors import LinearSegmentedColormap
from math_llm.contract import plot_contract

ROOT = Path(__file__).parents[1]
GREY = '#7a7a7a'
STYLE = {'svg.hashsalt': 'contract', 'svg.fonttype': 'none', 'axes.edgecolor': GREY,
         'font.sans-serif': ['DejaVu Sans', 'Verdana', 'sans-serif']}
BLUES = LinearSegmentedColormap.from_list('blues', [(.03, .19, .42, 0), (.03, .19, .42, 1)])
STYLE |= dict.fromkeys(('text.color', 'axes.labelcolor', 'xtick.color', 'ytick.color'), GREY)

WORDS = ('<style type="text/css">text[style*="7a7a7a"] { fill: #1f262c !important }\n'
         '@media (prefers-color-scheme: dark) '
         '{ text[style*="7a7a7a"] { fill: #d5dbe1 !important } }')  # in both themes to be read

if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('file', metavar='FILE', nargs='?', default=ROOT / 'nbs/images/contract.svg')
    path = p.parse_args().file
    matplotlib.use('svg')
    reports = run_path(str(ROOT / 'nbs/explanations/the_contract/study.py'))['together']()
    drawn = StringIO()
    with matplotlib.rc_context(STYLE):
        fig = plot_contract(reports)
        fig.axes[0].images[0].set_cmap(BLUES)       # no score is no colour, on any ground
        for text in fig.axes[0].texts:
            if text.get_color() == 'black': text.set_color(GREY)
        fig.savefig(drawn, transparent=True, metadata={'Date': None})
    text = re.sub(r'\s*\n\s*', '\n', drawn.getvalue()).replace('<style type="text/css">', WORDS, 1)
    Path(path).write_text(text, encoding='utf-8')
