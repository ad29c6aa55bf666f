// Look inside: what each position would answer after every block, and one position patched.
import {InputError, VOCAB, argmax, masked, softmax} from './engine.js';
import {parse_sum, plain, written_for} from './columns.js';
import {judge, observe} from './observe.js';
import {el, group, percent, shown, sum_form} from './dom.js';

/** A run with the residual stream of every position behind the embedding and behind each block. */
async function with_streams(model, prompt, options, alive) {
  const streams = [];
  const hook = (name, value, at) => {
    const block = /^blocks\.(\d+)\.resid$/.exec(name),
      layer = name === 'embed' ? 0 : block ? Number(block[1]) + 1 : null;
    if (layer === null) return undefined;
    const kept = options.patch?.(layer, at) ?? value;
    (streams[layer] ??= [])[at] = kept;
    return kept;
  };
  const got = await observe(model, prompt, {hook}, alive);
  return got && {...got, streams, prompt};
}

/** What a position would answer if the model ended behind a layer, as logits; where a thought is
    due, of its alphabet alone. Undefined where the run had ended before. */
export function lens(model, {prompt, steps, streams}, layer, at) {
  const stream = streams[layer][at],
    next = steps[at + 1 - prompt.length],
    allowed = next && !next.given ? next.allowed : null;
  return stream && masked(model.logit_lens(stream), allowed);
}

export function look_view(app, panel) {
  const ask = sum_form(app, 'look', 'Look');
  const other = el('input', {
    type: 'text',
    inputmode: 'tel',
    autocomplete: 'off',
    spellcheck: 'false',
    size: 30,
    on: {change: () => app.set({other: other.value.replace(/\s/g, ''), at: null})},
  });
  const line = el('p', {class: 'verdict'}),
    what = el('p', {class: 'what'}),
    grid = el('table', {class: 'lens'});
  panel.append(
    ask.form,
    el(
      'div',
      {class: 'tools'},
      el('label', {class: 'inline'}, 'Patch in from the sum ', other),
      el('button', {type: 'button', on: {click: () => app.set({at: null})}}, 'Undo the patch'),
    ),
    line,
    what,
    el(
      'p',
      {class: 'hint'},
      'A column is a position of the text, a row a block. A cell shows the token that the position would answer ' +
        'if the model ended there; the stronger its colour, the surer. Choose a cell to replace its stream by that of the other sum.',
    ),
    el('div', {class: 'scroll'}, grid),
  );
  let now = null;

  const word = (run, at) => run.prompt[at] ?? VOCAB[run.steps[at - run.prompt.length]?.token];

  function cell(layer, at, focus) {
    const probs = softmax(lens(now.model, now.run, layer, at)),
      best = argmax(probs);
    const patched = now.patch && now.patch[0] === layer && now.patch[1] === at;
    const own = lens(now.model, now.own, layer, at),
      was = own && argmax(own);
    return el(
      'td',
      {},
      el(
        'button',
        {
          type: 'button',
          class: `cell${patched ? ' patched' : ''}${was !== undefined && was !== best ? ' changed' : ''}`,
          style: `--p:${probs[best].toFixed(3)}`,
          tabindex: focus ? 0 : -1,
          'data-layer': layer,
          'data-at': at,
          'aria-label': `${layer ? `Block ${layer - 1}` : 'Embedding'}, position ${at}, ${shown(word(now.run, at))}: ${shown(VOCAB[best])}, ${percent(probs[best])}`,
          on: {
            click: () => {
              app.set({layer: String(layer), at: String(at)});
            },
          },
        },
        shown(VOCAB[best]),
      ),
    );
  }

  function draw() {
    const n = now.run.streams[0].length,
      layers = now.model.config.n_layers,
      places = Array.from({length: n}, (_, at) => at);
    const [layer, at] = now.patch ?? [layers, now.run.prompt.length - 1];
    const row = (name, cells, cls) =>
      el('tr', {class: cls}, el('th', {scope: 'row'}, name), ...cells);
    grid.replaceChildren(
      el('caption', {class: 'unseen'}, 'Logit lens'),
      el(
        'thead',
        {},
        row(
          'reads',
          places.map(at =>
            el(
              'th',
              {scope: 'col', class: at < now.run.prompt.length ? 'typed' : ''},
              shown(word(now.run, at)),
            ),
          ),
          '',
        ),
      ),
      el(
        'tbody',
        {},
        ...Array.from({length: layers + 1}, (_, l) =>
          row(
            l ? `block ${l - 1}` : 'embedding',
            places.map(p => cell(l, p, l === layer && p === at)),
            '',
          ),
        ),
        row(
          'writes',
          places.map(at =>
            el(
              'td',
              {class: 'writes'},
              at + 1 < now.run.prompt.length ? '' : shown(word(now.run, at + 1) ?? ''),
            ),
          ),
          'sum',
        ),
      ),
    );
  }

  grid.addEventListener('keydown', e => {
    const by = {ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0]}[e.key],
      from = e.target.dataset;
    if (!by || from.at === undefined) return;
    e.preventDefault();
    const to = grid.querySelector(
      `[data-layer="${Number(from.layer) + by[0]}"][data-at="${Number(from.at) + by[1]}"]`,
    );
    if (!to) return;
    e.target.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  });

  return {
    before() {
      ask.update();
      other.value = app.state.other ?? '';
    },
    async show({model}, alive) {
      const operands = written_for(model, parse_sum(app.state.sum)),
        prompt = `${operands.join('+')}=`;
      const own = await with_streams(model, prompt, {}, alive),
        focus = document.activeElement?.dataset?.at;
      if (!own) return;
      now = {model, own, run: own, patch: null};
      const problem = operands.map(o => group(plain(o))).join(' + '),
        before = judge(model, operands, own.text);
      line.replaceChildren(
        `${problem} = `,
        el('strong', {}, before.answer === null ? 'nothing' : group(before.answer)),
        ' ',
        el('span', {class: before.right ? 'good' : 'bad'}, before.right ? '✓ right' : '✗ wrong'),
      );
      what.textContent = 'Nothing is patched.';
      if (app.state.at !== undefined) await patch(alive, prompt, before);
      if (!alive()) return;
      draw();
      if (focus !== undefined) grid.querySelector('button[tabindex="0"]')?.focus();
    },
  };

  async function patch(alive, prompt, before) {
    const {model, own} = now,
      there = written_for(model, parse_sum(app.state.other ?? '')),
      theirs = `${there.join('+')}=`;
    if (theirs.length !== prompt.length) {
      app.fail(
        new InputError(
          `to patch, both sums need the same form: ${plain_sum(theirs)} is written with ${theirs.length} tokens, ${plain_sum(prompt)} with ${prompt.length}`,
        ),
      );
      return;
    }
    const layer = app.whole('layer', model.config.n_layers),
      at = app.whole('at', model.config.max_length);
    const source = await with_streams(model, theirs, {}, alive),
      stream = source?.streams[layer][at];
    if (!stream) return;
    const run = await with_streams(
      model,
      prompt,
      {patch: (l, p) => (l === layer && p === at ? stream : null)},
      alive,
    );
    if (!run) return;
    Object.assign(now, {run, patch: [layer, at]});
    const after = judge(model, there, run.text).answer,
      other = judge(model, there, source.text).answer,
      show = x => (x === null ? 'nothing' : group(x));
    what.textContent =
      `${layer ? `Behind block ${layer - 1}` : 'In the embedding'}, position ${at} ("${shown(word(own, at) ?? '')}") now holds what it holds in ` +
      `${there.map(o => group(plain(o))).join(' + ')} = ${show(other)}. ` +
      (after === before.answer
        ? `The answer stays ${show(after)}.`
        : `The answer changes from ${show(before.answer)} to ${show(after)}${after === other ? ', that of the other sum' : ''}.`);
    app.say(what.textContent);
  }
}

const plain_sum = prompt => prompt.replace(/=$/, '').split('+').map(plain).join('+');
