// Where the heads of a model looked, in words and as arcs over the tokens.
import {el, percent, radios, shown} from './dom.js';

/** What each head of a block looks at from a position; without its silent key. */
const heads_at = (run, at, block) =>
  (run.looked[at]?.[block] ?? []).map(w =>
    run.model.config.softmax === 'plus-one' ? w.slice(1) : w,
  );

/** Controls that choose a block and a head, and where each head looked before it wrote a step;
    look: shows the step again. */
export function heads_panel(app, run, step, look) {
  const {n_layers, n_heads} = run.model.config,
    block = app.whole('block', n_layers - 1, n_layers - 1);
  const head = app.whole('head', n_heads, 0),
    at = step.position - 1;
  const choose = key => value => {
    app.state[key] = String(value);
    app.write_address();
    look();
  };
  const rows = heads_at(run, at, block).map((w, h) => {
    const seen = [...w.keys()]
      .sort((a, b) => w[b] - w[a])
      .slice(0, 2)
      .filter(j => w[j] > 0.05);
    return el(
      'li',
      {class: `head h${h % 8}${head && head !== h + 1 ? ' off' : ''}`},
      `Head ${h}: `,
      seen.length
        ? seen.map(j => `${shown(run.word(j))} (${run.where(j)}) ${percent(w[j])}`).join(', ')
        : 'looks everywhere and nowhere',
    );
  });
  return [
    el('h3', {}, 'Where it looked'),
    radios(
      'Block',
      Array.from({length: n_layers}, (_, i) => [i, String(i)]),
      block,
      choose('block'),
    ),
    radios(
      'Head',
      [[0, 'all'], ...Array.from({length: n_heads}, (_, h) => [h + 1, String(h)])],
      head,
      choose('head'),
    ),
    el('ul', {class: 'heads'}, ...rows),
  ];
}

/** Arcs over the tokens of `lines`, from a step to what the chosen heads looked at; `strip` holds
    both. */
export function draw_arcs(app, run, step, {strip, lines, arcs}) {
  arcs.replaceChildren();
  const box = strip.getBoundingClientRect(),
    nodes = {};
  for (const n of lines.querySelectorAll('[data-at]'))
    nodes[n.dataset.at] = n.getBoundingClientRect();
  const middle = at =>
    nodes[at] && [
      nodes[at].x + nodes[at].width / 2 - box.x + strip.scrollLeft,
      nodes[at].y - box.y,
    ];
  arcs.setAttribute('width', strip.scrollWidth);
  arcs.setAttribute('height', lines.offsetHeight);
  const to = middle(step.position),
    head = app.whole('head', run.model.config.n_heads, 0);
  if (!to) return;
  heads_at(
    run,
    step.position - 1,
    app.whole('block', run.model.config.n_layers - 1, run.model.config.n_layers - 1),
  ).forEach((w, h) => {
    if (head && head !== h + 1) return;
    w.forEach((weight, j) => {
      const from = middle(j);
      if (weight < 0.06 || !from) return;
      const rise = 10 + 4 * h + Math.min(40, Math.abs(to[0] - from[0]) / 6);
      arcs.append(
        el('svg:path', {
          class: `arc h${h % 8}`,
          'stroke-width': 0.8 + 3 * weight,
          opacity: 0.25 + 0.75 * weight,
          d: `M${to[0]},${to[1] + 3} C${to[0]},${to[1] - rise} ${from[0]},${from[1] - rise} ${from[0]},${from[1] + 3}`,
        }),
      );
    });
  });
}
