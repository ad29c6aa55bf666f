#!/usr/bin/env python
"""Draw nbs/images/thoughts.svg: what `invented_pairs` thinks about a sum, each thought under the
column that it speaks of, and what it answers when thoughts are changed.

    python scripts/draw_thoughts.py [FILE]
"""
import argparse
import sys
from pathlib import Path

import math_llm.speaking  # noqa: F401 (it gives thoughts their answers)
from math_llm import load_codebook, load_pretrained
from math_llm.codebook import Columns, Thoughts
from math_llm.problems import Problems
from math_llm.tokenizer import VOCAB

from draw_overview import H, STYLE, W, Drawing

LEFT, STEP, ROW = 204, 28, 42
OWN, OTHER = ('658', '189'), ('4567', '5678')
STYLE += '\n  .said { fill: #b8488f22 } .changed { stroke: #c46b00 }'


def thoughts_of(model, *operands):
    return Thoughts.of(model, Problems.from_operands([[o.zfill(8) for o in operands]]))


def tellers(book):
    "The thoughts that tell a carry and nothing else: place in the chain, by column."
    return {e.features[0].column: i for i, e in enumerate(book.entries)
            if e.status == 'understood' and [f.kind for f in e.features] == ['carry']}


def rewritten(book, thoughts, places):
    "One thought that tells a carry tells none: its column, the thoughts, and the sum so."
    c = Columns(thoughts.problems)
    column = max(k for k in places if c.carries[0, k])
    said = Columns(thoughts.problems, (column, c.carries[:, column] * 0))
    tokens = thoughts.tokens.copy()
    tokens[:, places[column]] = book.entries[places[column]].foretell(said)
    return column, Thoughts(thoughts.problems, tokens), said.answers()[0]


def swapped(thoughts, others):
    "The thoughts about another problem, and the sum with its carries."
    c, theirs = Columns(thoughts.problems), Columns(others.problems).carries[0]
    digits = [(own + carry) % 10 for own, carry in zip(c.own[0], theirs)]
    return Thoughts(thoughts.problems, others.tokens), sum(d * 10**k for k, d in enumerate(digits))


class Picture(Drawing):
    def at(self, column): return LEFT + (8 - column) * STEP

    def digits(self, y, number, label):
        "A number under its columns, its leading zeros pale."
        self.parts.append(f'<text x="18" y="{y+21}" font-size="13" class="label">{label}</text>')
        for k, digit in enumerate(reversed(str(number))):
            self.text(self.at(k)+W/2, y+21, digit)

    def thoughts(self, y, book, tokens, places, label, changed=None):
        "Those that tell a carry, each under the column into which the carry goes."
        self.parts.append(f'<text x="18" y="{y+21}" font-size="13" class="label">{label}</text>')
        for k, i in places.items():
            yes, token = book.entries[i].meaning(tokens[i]) == (1,), VOCAB[tokens[i]]
            box = f'box{" carry said" * yes}{" changed" * (k == changed)}'
            wide = ' stroke-width="3"' if k == changed else ''
            self.parts.append(f'<rect x="{self.at(k)}" y="{y}" width="{W}" height="{H}" rx="4" '
                              f'class="{box}"{wide}/>')
            self.text(self.at(k)+W/2, y+21, token, 'carried' if yes else 'token')


def picture():
    "The SVG; stops if an answer is not what its thoughts ask for."
    model, book = load_pretrained('invented_pairs'), load_codebook('invented_pairs')
    own, other, places = thoughts_of(model, *OWN), thoughts_of(model, *OTHER), tellers(book)
    column, one, told = rewritten(book, own, places)
    foreign, theirs = swapped(own, other)
    cases = (own, sum(map(int, OWN)), 'its own thoughts', None), \
            (one, told, 'one thought rewritten', column), \
            (foreign, theirs, f'those of {"+".join(OTHER)}', None)
    d, y = Picture(), 14
    for operand in OWN:
        d.digits(y, operand, 'the sum' if operand is OWN[0] else '')
        y += 26
    d.text(d.at(len(OWN[1]))+W/2, y-5, '+')
    y += 12
    for thoughts, expected, label, changed in cases:
        answer = int(thoughts.answers(model)[0])
        if answer != expected: sys.exit(f'{label}: the model answers {answer}, not {expected}')
        d.thoughts(y, book, thoughts.tokens[0], places, label, changed)
        d.digits(y+H+2, answer, 'its answer')
        y += ROW + H + 8
    d.parts.append(f'<rect x="18" y="{y}" width="14" height="14" rx="3" class="box carry said"/>'
                   f'<text x="40" y="{y+12}" font-size="13" class="label">says: a carry comes into '
                   f'this column</text>')
    y += 28
    width, height = LEFT + 9*STEP + 12, y
    card = f'<rect x=".5" y=".5" width="{width-1}" height="{height-1}" rx="10" class="card"/>'
    body = '\n'.join([card, *d.parts])
    return f'''<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"
width="{width}" height="{height}"
font-family="ui-monospace, Menlo, Consolas, monospace">
<title>{'+'.join(OWN)}: the thoughts of a model, and what it answers when they are changed</title>
<style>{STYLE}
</style>
{body}
</svg>
'''


if __name__ == '__main__':
    default = Path(__file__).parents[1]/'nbs/images/thoughts.svg'
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('file', metavar='FILE', nargs='?', type=Path, default=default)
    p.parse_args().file.write_text(picture(), encoding='utf-8')
