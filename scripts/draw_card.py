#!/usr/bin/env python
"""Draw the picture that stands for the site where its address is shared: nbs/images/preview.png.

    python scripts/draw_card.py

A sum, the thoughts of `invented_pairs`, and the carries that its code book reads in them. It needs
Playwright and Chromium.
"""
import shutil
from pathlib import Path

from check_site import browser
from math_llm import ask, load_codebook, load_pretrained

OUT = Path(__file__).parents[1]/'nbs/images/preview.png'
STYLE = '''body { margin: 0; width: 1200px; height: 630px; background: #12314f; color: #fff;
font: 34px/1.45 system-ui, sans-serif; box-sizing: border-box; padding: 56px 72px; }
h1 { font-size: 64px; margin: 0 0 10px; font-weight: 600; } p { margin: 0 0 30px; color: #cfe0f2; }
.row { display: flex; gap: 12px; margin: 6px 0; } .row span { width: 66px; text-align: center; }
.thought { font: 600 46px/76px ui-monospace, monospace; background: #1d5a9e; border-radius: 10px; }
.carry { background: #b8488f; } .sum { font: 44px/1.5 ui-monospace, monospace; margin-top: 26px; }
small { font-size: 26px; color: #cfe0f2; }'''


def card(prompt='40718265+57893146='):
    "The card as HTML."
    model, book = load_pretrained('invented_pairs'), load_codebook('invented_pairs')
    said = str(ask(model, prompt, explain=book))
    thoughts = next(line for line in said.splitlines() if 'Chain of thought' in line).split(':')[1]
    answer = next(line for line in said.splitlines() if 'Answer' in line).split(':')[1].strip()
    lines = said.splitlines()[2:2 + len(thoughts.split())]
    kinds = ['carry' if 'carry' in line and ': yes' in line else '' for line in lines]
    row = ''.join(f'<span class="thought {k}">{t}</span>' for t, k in zip(thoughts.split(), kinds))
    return f'''<meta charset="utf-8"><style>{STYLE}</style><h1>math_llm</h1>
<p>Nobody taught this model to think. Scored on its sums alone,<br>it came to write
{len(thoughts.split())} thoughts before each answer.</p><div class="row">{row}</div>
<small>Pink: thoughts that say “carry”.</small><div class="sum">{answer}</div>'''


if __name__ == '__main__':
    with browser(shutil.which('chromium')) as b:
        tab = b.new_page(viewport=dict(width=1200, height=630))
        tab.set_content(card())
        tab.screenshot(path=OUT)
