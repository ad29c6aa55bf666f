#!/usr/bin/env python
"""Draw the picture that stands for the site where its address is shared: nbs/images/preview.png.

    python scripts/draw_card.py

A sum, the thoughts of `invented_pairs`, and the carries that its code book reads in them. It needs
Playwright and Chromium.
"""
import argparse
import shutil
from pathlib import Path

from check_site import browser
from math_llm import ask, load_codebook, load_pretrained

OUT = Path(__file__).parents[1]/'nbs/images/preview.png'
STYLE = '''body { margin: 0; width: 1200px; height: 630px; background: #12314f; color: #fff;
font: 34px/1.45 system-ui, sans-serif; box-sizing: border-box; padding: 56px 72px; }
h1 { font-size: 64px; margin: 0 0 10px; font-weight: 600; } p { margin: 0 0 30px; color: #cfe0f2; }
.row { display: flex; gap: 8px; margin: 6px 0; } .row span { width: 58px; text-align: center; }
.thought { font: 600 42px/72px ui-monospace, monospace; background: #1d5a9e; border-radius: 10px; }
.carry { background: #b8488f; } .unheard { opacity: 0.35; }
.sum { font: 44px/1.5 ui-monospace, monospace; margin-top: 26px; }
small { font-size: 26px; color: #cfe0f2; }'''


def card(prompt='40718265+57893146='):
    "The card as HTML."
    model, book = load_pretrained('invented_pairs'), load_codebook('invented_pairs')
    reply = ask(model, prompt, explain=book)
    assert reply.right, reply
    def kind(thought):
        if not thought.heard: return 'unheard'
        return 'carry' if 'carry' in thought.words and ': yes' in thought.words else ''
    row = ''.join(f'<span class="thought {kind(t)}">{t.token}</span>' for t in reply.meaning)
    return f'''<meta charset="utf-8"><style>{STYLE}</style><h1>math_llm</h1>
<p>Nobody taught this model to think. Scored on its sums alone,<br>it came to write
{len(reply.meaning)} thoughts before each answer.</p><div class="row">{row}</div>
<small>Pink: thoughts that say “carry”. Pale: no answer depends on them.</small>
<div class="sum">{reply.typed}{reply.truth}</div>'''


if __name__ == '__main__':
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.parse_args()
    with browser(shutil.which('chromium')) as b:
        tab = b.new_page(viewport=dict(width=1200, height=630))
        tab.set_content(card())
        tab.screenshot(path=OUT)
