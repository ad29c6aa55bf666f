// What a reader tried with thoughts: kept, counted and shown.
import {VOCAB, decode, encode} from './engine.js';
import {plain} from './columns.js';
import {el, shown} from './dom.js';

/** The list of experiments of an app: its elements, and `add(now)`. */
export function experiments_log(app) {
  let last = '';
  const counter = el('p', {class: 'counter'});
  const log = el(
    'details',
    {class: 'log'},
    el('summary', {}, 'Your experiments'),
    el('div', {class: 'scroll'}),
  );
  /** Keep what a reader tried, once. */
  function remember(now) {
    const {own, thoughts} = now,
      sum = now.operands.map(plain).join('+'),
      key = `${now.name} ${sum} ${thoughts}`;
    if (!now.changed || key === last || app.from_address) return;
    last = key;
    const change = now.lender
      ? `thoughts of ${app.state.other}`
      : thoughts
          .map((t, i) =>
            t === own.thoughts[i]
              ? null
              : `${i}: ${shown(VOCAB[own.thoughts[i]])}→${shown(VOCAB[t])}`,
          )
          .filter(Boolean)
          .join(', ');
    app.record({
      model: now.name,
      sum,
      change,
      own_thoughts: decode(now.own.thoughts),
      thoughts: decode(now.thoughts),
      answer_before: now.own.answer,
      answer: now.answer,
      foretold: now.foretold?.book ?? null,
      outcome: now.result ?? 'no prediction',
    });
  }
  /** Show how many experiments there are, and the last of them. */
  function count() {
    const n = what => app.experiments.filter(e => e.outcome === what).length;
    counter.textContent = app.experiments.length
      ? `You tried ${app.experiments.length}: obeyed ${n('obeyed')}, ignored ${n('ignored')}, neither ${n('neither')}, no prediction ${n('no prediction')}.`
      : '';
    log.hidden = !app.experiments.length;
    const heads = ['sum', 'change', 'thoughts', 'answer_before', 'answer', 'foretold', 'outcome'];
    const text = (e, h) =>
      h === 'thoughts'
        ? encode(e[h])
            .map(t => shown(VOCAB[t]))
            .join('')
        : (e[h] ?? '–');
    const rows = app.experiments
      .slice(-50)
      .reverse()
      .map(e => el('tr', {}, ...heads.map(h => el('td', {}, text(e, h)))));
    const names = heads.map(h => el('th', {scope: 'col'}, h.replace('_', ' ')));
    log.lastChild.replaceChildren(
      el('table', {}, el('thead', {}, el('tr', {}, ...names)), el('tbody', {}, ...rows)),
    );
  }
  return {
    parts: [counter, log],
    add(now) {
      remember(now);
      count();
    },
  };
}
