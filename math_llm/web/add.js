// Add: a model answers token by token; each token shows how sure the model was and where it looked.
import {VOCAB, decode, steps} from './engine.js';
import {Columns, check_chain, chain_steps, parse_sum, plain, written_for} from './columns.js';
import {el, group, pause, percent, radios, shown, still, sum_form, superscript} from './dom.js';

const SHADES = [
  [0.99, 'sure'],
  [0.9, 'fair'],
  [0.7, 'doubt'],
  [0.5, 'weak'],
  [-1, 'guess'],
];
export const shade = p => SHADES.find(([least]) => p >= least)[1];

/** Run a model on a prompt; steps, the weights of every head at every position, and residual
    streams. */
export async function observe(model, prompt, options = {}, alive = () => true, each = null) {
  const looked = [],
    found = [],
    begin = performance.now();
  let last = begin;
  const hook = (name, value, at) => {
    const block = /^blocks\.(\d+)\.attn\.weights$/.exec(name);
    if (block) (looked[at] ??= [])[Number(block[1])] = value.map(w => Float32Array.from(w));
    return options.hook?.(name, value, at);
  };
  for (const step of steps(model, prompt, {...options, hook})) {
    found.push(step);
    each?.(step, found);
    if (performance.now() - last > 12) {
      await pause();
      if (!alive()) return null;
      last = performance.now();
    }
  }
  return {
    steps: found,
    looked,
    ms: performance.now() - begin,
    text: decode(found.map(s => s.token)),
  };
}

/** A completion taken apart: lines of tokens with a verdict, the answer, and what is right. */
export function judge(model, operands, text) {
  const [, chain = null, answer] = /^(?:<think>(.*?)<\/think>)?(\d+)<end>$/.exec(text) ?? [];
  const truth = new Columns(operands).answer,
    right = answer !== undefined && plain(answer) === truth;
  const checked =
    chain !== null && model.meta.chain === 'columns' ? check_chain(operands, chain) : [];
  return {chain, answer: answer === undefined ? null : plain(answer), truth, right, checked};
}

export function add_view(app, panel) {
  const ask = sum_form(app, 'add', 'Add');
  const verdict = el('p', {class: 'verdict'}),
    lines = el('div', {class: 'lines'});
  const arcs = el('svg:svg', {class: 'arcs', 'aria-hidden': 'true'}),
    strip = el('div', {class: 'strip'}, lines, arcs);
  const side = el('div', {class: 'side'}),
    body = el('div', {class: 'split'}, strip, side);
  panel.append(ask.form, verdict, body, legend());
  let run = null;

  function token_button(step, i, offset) {
    const p = step.given ? null : step.prob,
      text = shown(VOCAB[step.token]);
    return el(
      'button',
      {
        type: 'button',
        class: `token ${p === null ? 'given' : shade(p)}`,
        tabindex: i ? -1 : 0,
        'data-i': i,
        'data-at': i + offset,
        'aria-label': `${text}, ${p === null ? 'given' : percent(p)}`,
        on: {mouseenter: () => look(i), focus: () => look(i, true), click: () => look(i, true)},
      },
      text,
    );
  }

  /** Tokens in lines: the problem, a line a step, the answer. */
  function lay_out(prompt, found, checked) {
    const offset = prompt.length,
      rows = [el('div', {class: 'line'}, el('span', {class: 'name'}, 'problem'))];
    [...prompt].forEach((c, at) =>
      rows[0].append(el('span', {class: 'token typed', 'data-at': at}, c)),
    );
    const taught = run.model.meta.chain === 'columns',
      breaks = new Set(),
      words = decode(found.map(s => s.token));
    const inner = /^<think>(.*?)(<\/think>|$)/.exec(words)?.[1] ?? '';
    let at = 1; // behind <think>
    if (taught && inner)
      for (const step of chain_steps(inner)) {
        breaks.add(at);
        at += step.replace(/<noop>/g, '∅').length;
      }
    found.forEach((step, i) => {
      const word = VOCAB[step.token];
      if (i === 0 || breaks.has(i) || word === '</think>')
        rows.push(
          el(
            'div',
            {class: 'line'},
            el(
              'span',
              {class: 'name'},
              word === '</think>' || !inner
                ? 'answer'
                : breaks.has(i)
                  ? `step 10${superscript([...breaks].indexOf(i))}`
                  : 'thoughts',
            ),
          ),
        );
      rows.at(-1).append(token_button(step, i, offset));
    });
    checked?.forEach((step, k) =>
      rows[k + (rows.length > 2 && breaks.size ? 2 : 1)]?.append(
        el('span', {class: step.why ? 'bad' : 'good'}, step.why ? `✗ ${step.why}` : '✓'),
      ),
    );
    if (breaks.size && rows[2]) {
      // <think> stands in front of the first step
      rows[2].firstChild.after(rows[1].lastChild);
      rows.splice(1, 1);
    }
    for (const row of rows)
      for (const n of row.querySelectorAll('button'))
        run.lines[n.dataset.at] = row.firstChild.textContent;
    lines.replaceChildren(...rows);
  }

  /** Show what there is to say about token i of the completion. */
  function look(i, keep = false) {
    if (!run?.steps[i]) return;
    run.selected = i;
    if (keep) side.classList.add('asked');
    if (keep && app.state.token !== String(i)) {
      app.state.token = String(i);
      app.write_address();
    }
    for (const b of lines.querySelectorAll('button')) {
      b.tabIndex = Number(b.dataset.i) === i ? 0 : -1;
      b.classList.toggle('selected', Number(b.dataset.i) === i);
    }
    const step = run.steps[i],
      best = [...step.probs.keys()].sort((a, b) => step.probs[b] - step.probs[a]).slice(0, 5);
    side.replaceChildren(
      el('h2', {}, `Token ${i + 1}: `, el('span', {class: 'token big'}, shown(VOCAB[step.token]))),
      el('p', {hidden: !step.given}, 'This token is given, not chosen.'),
      el(
        'table',
        {class: 'likely'},
        el('caption', {}, 'The five likeliest'),
        el(
          'tbody',
          {},
          ...best.map(t =>
            el(
              'tr',
              {class: t === step.token ? 'chosen' : ''},
              el('th', {scope: 'row'}, shown(VOCAB[t])),
              el(
                'td',
                {},
                el('span', {
                  class: 'bar',
                  style: `inline-size:${(100 * step.probs[t]).toFixed(1)}%`,
                }),
              ),
              el('td', {class: 'number'}, percent(step.probs[t])),
            ),
          ),
        ),
      ),
      ...heads_panel(step),
    );
    draw(step);
  }

  function heads_panel(step) {
    const {n_layers, n_heads} = run.model.config,
      block = app.whole('block', n_layers - 1, n_layers - 1);
    const head = app.whole('head', n_heads, 0),
      at = step.position - 1;
    const choose = key => value => {
      app.state[key] = String(value);
      app.write_address();
      look(run.selected);
    };
    const rows = heads_at(at, block).map((w, h) => {
      const seen = [...w.keys()]
        .sort((a, b) => w[b] - w[a])
        .slice(0, 2)
        .filter(j => w[j] > 0.05);
      return el(
        'li',
        {class: `head h${h % 8}${head && head !== h + 1 ? ' off' : ''}`},
        `Head ${h + 1}: `,
        seen.length
          ? seen.map(j => `${shown(run.word(j))} (${run.where(j)}) ${percent(w[j])}`).join(', ')
          : 'looks everywhere and nowhere',
      );
    });
    return [
      el('h3', {}, 'Where it looked'),
      radios(
        'Block',
        Array.from({length: n_layers}, (_, i) => [i, String(i + 1)]),
        block,
        choose('block'),
      ),
      radios(
        'Head',
        [[0, 'all'], ...Array.from({length: n_heads}, (_, h) => [h + 1, String(h + 1)])],
        head,
        choose('head'),
      ),
      el('ul', {class: 'heads'}, ...rows),
    ];
  }

  const heads_at = (at, block) =>
    (run.looked[at]?.[block] ?? []).map(w =>
      run.model.config.softmax === 'plus-one' ? w.slice(1) : w,
    );

  function draw(step) {
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

  lines.addEventListener('keydown', e => {
    const by = {ArrowRight: 1, ArrowLeft: -1, Home: -1e9, End: 1e9}[e.key];
    if (by === undefined || !run) return;
    e.preventDefault();
    const next = Math.max(0, Math.min(run.steps.length - 1, run.selected + by));
    lines.querySelector(`button[data-i="${next}"]`)?.focus();
  });
  new ResizeObserver(() => {
    if (run?.steps[run.selected]) draw(run.steps[run.selected]);
  }).observe(strip);

  return {
    before() {
      ask.update();
    },
    async show({model}, alive) {
      ask.update();
      const operands = written_for(model, parse_sum(app.state.sum)),
        prompt = `${operands.join('+')}=`;
      const problem = operands.map(o => group(plain(o))).join(' + ');
      run = {
        model,
        steps: [],
        looked: [],
        lines: {},
        selected: 0,
        word: j => prompt[j] ?? VOCAB[run.steps[j - prompt.length]?.token] ?? '',
        where: j => run.lines[j] ?? where(j, prompt, operands),
      };
      verdict.textContent = `${problem} = …`;
      side.replaceChildren();
      side.classList.remove('asked');
      arcs.replaceChildren();
      const got = await observe(
        model,
        prompt,
        {},
        alive,
        still() ? null : (_, found) => lay_out(prompt, found),
      );
      if (!got) return;
      Object.assign(run, got);
      const found = judge(model, operands, got.text);
      lay_out(prompt, run.steps, found.checked);
      const wrong = found.checked.filter(s => s.why).length,
        n = found.checked.length;
      const chain = !n
        ? ''
        : wrong
          ? ` ${wrong} of ${n} steps of its chain are wrong.`
          : ` All ${n} steps of its chain are right.`;
      const answer = found.answer === null ? 'no answer' : group(found.answer);
      verdict.replaceChildren(
        `${problem} = `,
        el('strong', {}, answer),
        ' ',
        el(
          'span',
          {class: found.right ? 'good' : 'bad'},
          found.right ? '✓ right' : `✗ wrong, it is ${group(found.truth)}`,
        ),
        el(
          'span',
          {class: 'quiet'},
          `${chain} ${got.steps.length} tokens in ${Math.round(got.ms)} ms.`,
        ),
      );
      app.say(
        `${operands.map(plain).join(' plus ')} is ${found.answer ?? 'not answered'}: ${found.right ? 'right' : 'wrong'}.${chain}`,
      );
      const first = run.steps.findIndex(s => !s.given),
        chosen = app.whole('token', run.steps.length - 1, -1);
      look(chosen < 0 ? Math.max(first, run.steps.length - 2) : chosen);
    },
  };
}

/** Where a token of the text stands, in words. */
function where(j, prompt, operands) {
  if (prompt[j] === '+' || prompt[j] === '=') return 'sign';
  const before = prompt.slice(0, j),
    n = before.split('+').length - 1,
    i = j - before.lastIndexOf('+') - 1;
  return `number ${n + 1}, 10${superscript(operands[n].length - 1 - i)}`;
}

function legend() {
  const names = {sure: '99 % and more', fair: '90 %', doubt: '70 %', weak: '50 %', guess: 'less'};
  return el(
    'p',
    {class: 'legend'},
    'How sure the model is of a token: ',
    ...Object.entries(names).map(([c, text]) => el('span', {class: `token ${c}`}, text)),
    ' Point at a token, or move with the arrow keys.',
  );
}
