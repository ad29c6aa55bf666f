#!/usr/bin/env python
"""Draw nbs/images/overview.svg: a problem, its chain of thought, and its answer, token by token.

    python scripts/draw_overview.py [FILE]
"""
import sys
from pathlib import Path

W, H, GAP = 24, 32, 2          # a token box, and the space between two
MIDDLE = 404
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


def overview(a='658', b='189'):
    "The SVG for a + b, both of three digits, with a carry out of the ones and out of the tens."
    d, steps, carry = Drawing(), [], ''
    for x, y in zip(reversed(a), reversed(b)):
        total = int(x)+int(y)+int(carry or 0)
        steps.append(f'{x}+{y}' + (f'+{carry}' if carry else '') + f'={total}')
        carry = str(total//10) if total > 9 else ''
    answer = str(int(a)+int(b))
    assert len(a) == len(b) == len(answer) == 3 and [len(s) for s in steps] == [6, 8, 7]

    for y, row in zip((63, 132, 289), ('problem', 'chain of thought', 'answer')):
        d.parts.append(f'<text x="24" y="{y}" font-size="13" class="label">{row}</text>')
    digits = {i: 2-i for i in range(3)}
    d.tokens(MIDDLE-104, 42, [*a, '+', *b, '='], {**digits, **{4+i: c for i, c in digits.items()}})

    x, y, centres = 24, 150, []
    d.tokens(x, y, ['<think>'])
    x += 11*7+14
    for column, step in enumerate(steps):
        marks = {0: column, 2: column, len(step)-1: column}
        if column: marks[4] = 'carried'
        if column < 2: marks[len(step)-2] = 'carried'
        centres.append(d.tokens(x, y, step, marks))
        d.text((centres[-1][0]+centres[-1][-1])/2, y+H+18, COLUMNS[column], 'label', 13)
        x += len(step)*(W+GAP)+12
    d.tokens(x, y, ['</think>'])
    for left, right in zip(centres, centres[1:]):
        d.link(f'M {left[-2]:g} {y-3} C {left[-2]:g} {y-44}, {right[4]:g} {y-44}, {right[4]:g} '
               f'{y-5}', 'carry')
    d.text((centres[0][-2]+centres[1][4])/2, y-40, 'carry', 'head', 13)
    d.text((centres[1][-2]+centres[2][4])/2, y-40, 'carry', 'head', 13)

    y_answer = 268
    ends = d.tokens(MIDDLE-67, y_answer, [*answer, '<end>'], digits)
    for column in range(3):
        start, end = centres[column][-1], ends[2-column]
        d.link(f'M {start:g} {y+H+2} C {start:g} {y+H+70}, {end:g} {y+H+20}, {end:g} {y_answer-2}',
               f'c{column}')

    width, height = x+11*8+24, y_answer+H+22
    body = '\n'.join([f'<rect x=".5" y=".5" width="{width-1:g}" height="{height-1}" rx="10" '
                      f'class="card"/>', *d.links, *d.parts])
    return f'''<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" role="img"
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
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    out.parent.mkdir(exist_ok=True)
    out.write_text(overview(), encoding='utf-8')
