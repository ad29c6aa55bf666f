#!/usr/bin/env python
"""Draw nbs/images/overview.svg: a problem, its chain of thought, and its answer, token by token.

    python scripts/draw_overview.py [FILE]
"""
import argparse
from pathlib import Path

W, H, GAP = 24, 32, 2          # a token box, and the space between two
COLUMNS = ['ones', 'tens', 'hundreds']
STYLE = """
  .card { fill: #fbfbfa; stroke: #d5d8dc } .box { fill: #fff; stroke: #9aa1a9 }
  text { fill: #24292f }
  .label, .special { fill: #59636e }
  .carry { stroke: #b8488f } .head { fill: #b8488f } .carried { fill: #b8488f }
  .c0 { stroke: #0072b2 } .c1 { stroke: #c46b00 } .c2 { stroke: #008a64 } .link { fill: none }
  @media (prefers-color-scheme: dark) {
    .card { fill: #161b22; stroke: #3d444d } .box { fill: #0d1117; stroke: #6e7681 }
    text { fill: #e6edf3 }
    .label, .special { fill: #9aa4af }
    .carry { stroke: #f08cc8 } .head { fill: #f08cc8 } .carried { fill: #f08cc8 }
    .c0 { stroke: #58b4f0 } .c1 { stroke: #f0a54a } .c2 { stroke: #3ecfa3 }
  }"""


class Drawing:
    def __init__(self): self.parts, self.links = [], []

    def text(self, x, y, s, kind='token', size=16):
        self.parts.append(f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="middle" '
                          f'class="{kind}">{s}</text>')

    def tokens(self, x, y, tokens, marks=()):
        """A row of token boxes from (x, y); `marks` maps a place to its column or 'carried'.
        Returns each box's centre."""
        centres = []
        for i, token in enumerate(tokens):
            name = token.replace('<', '&lt;').replace('>', '&gt;')
            width, mark = (W if len(token) == 1 else 11*len(token)), dict(marks).get(i)
            wide = ' stroke-width="2.5"' if mark in (0, 1, 2) else ''
            box = 'box carry' if mark == 'carried' else 'box'
            if mark in (0, 1, 2): box = f'box c{mark}'
            self.parts.append(f'<rect x="{x:g}" y="{y}" width="{width}" height="{H}" rx="4" '
                              f'class="{box}"{wide}/>')
            kind = 'special' if len(token) > 1 else 'carried' if mark == 'carried' else 'token'
            self.text(x+width/2, y+21, name, kind, 16 if len(token) == 1 else 13)
            centres.append(x+width/2)
            x += width+GAP
        return centres

    def link(self, path, kind):
        arrow = ' marker-end="url(#arrow)"' if kind == 'carry' else ''
        self.links.append(f'<path d="{path}" class="link {kind}" stroke-width="2"{arrow}/>')


def chain(a, b):
    "The steps of the `columns` chain of a + b, numbers of as many digits."
    steps, carry = [], ''
    for x, y in zip(reversed(a), reversed(b)):
        total = int(x)+int(y)+int(carry or 0)
        steps.append(f'{x}+{y}' + (f'+{carry}' if carry else '') + f'={total}')
        carry = str(total//10) if total > 9 else ''
    return steps


def overview(a='658', b='189'):
    "The SVG for a + b, both of three digits, with a carry out of the ones and out of the tens."
    d, steps, answer = Drawing(), chain(a, b), str(int(a)+int(b))
    assert len(a) == len(b) == len(answer) == 3 and [len(s) for s in steps] == [6, 8, 7]

    x, rows, last = 100, [94, 150, 206], 268
    for y, label in zip([14, *rows, last], ['problem', *COLUMNS, 'answer']):
        d.parts.append(f'<text x="18" y="{y+21}" font-size="13" class="label">{label}</text>')
    digits = {i: 2-i for i in range(3)}
    d.tokens(x, 14, [*a, '+', *b, '='], {**digits, **{4+i: c for i, c in digits.items()}})
    d.parts.append('<text x="18" y="80" font-size="13" class="label">chain of thought</text>')

    centres = []
    for column, (y, step) in enumerate(zip(rows, steps)):
        marks = {0: column, 2: column, len(step)-1: column}
        if column: marks[4] = 'carried'
        if column < 2: marks[len(step)-2] = 'carried'
        centres.append(d.tokens(x, y, step, marks))
    for y, left, right in zip(rows, centres, centres[1:]):
        d.link(f'M {left[-2]:g} {y+H+2} L {right[4]:g} {y+54}', 'carry')
        d.text(right[4]-28, y+H+16, 'carry', 'head', 13)

    ends = d.tokens(x+9*(W+GAP), last, [*answer, '<end>'], digits)
    for column, y in enumerate(rows):         # across to the digit of the answer, then down
        start, end = centres[column][-1]+W/2+2, ends[2-column]
        d.link(f'M {start:g} {y+H/2:g} H {end-10:g} q 10 0 10 10 V {last-2}', f'c{column}')

    width, height = ends[-1]+11*5/2+18, last+H+18
    body = '\n'.join([f'<rect x=".5" y=".5" width="{width-1:g}" height="{height-1}" rx="10" '
                      f'class="card"/>', *d.links, *d.parts])
    return f'''<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" role="img"
width="{width:g}" height="{height}"
font-family="ui-monospace, Menlo, Consolas, monospace">
<title>{a}+{b}: each step of the chain adds one column, and its carry goes into the next</title>
<style>{STYLE}
</style>
<defs><marker id="arrow" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="5" markerHeight="5"
orient="auto"><path d="M0 0 8 4 0 8z" class="head"/></marker></defs>
{body}
</svg>
'''


if __name__ == '__main__':
    default = Path(__file__).parents[1]/'nbs/images/overview.svg'
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('file', metavar='FILE', nargs='?', type=Path, default=default)
    out = p.parse_args().file
    out.parent.mkdir(exist_ok=True)
    out.write_text(overview(), encoding='utf-8')
