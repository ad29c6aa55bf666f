// Add: a model answers token by token; each token shows how sure the model was and where it looked.
import {VOCAB, decode} from './engine.js';
import {chain_steps, parse_sum, plain, written_for} from './columns.js';
import {el, group, percent, shown, still, sum_form, superscript} from './dom.js';
import {judge, observe, shade} from './observe.js';
import {draw_arcs, heads_panel} from './heads.js';

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
      tokens = step.allowed ?? [...step.probs.keys()],
      best = [...tokens].sort((a, b) => step.probs[b] - step.probs[a]).slice(0, 5);
    side.replaceChildren(
      el('h2', {}, `Token ${i}: `, el('span', {class: 'token big'}, shown(VOCAB[step.token]))),
      el('p', {hidden: !step.given}, 'This token is given, not chosen.'),
      el(
        'table',
        {class: 'likely', hidden: step.given},
        el('caption', {}, 'The likeliest tokens'),
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
      ...heads_panel(app, run, step, () => look(run.selected)),
    );
    draw_arcs(app, run, step, {strip, lines, arcs});
  }

  lines.addEventListener('keydown', e => {
    const by = {ArrowRight: 1, ArrowLeft: -1, Home: -1e9, End: 1e9}[e.key];
    if (by === undefined || !run) return;
    e.preventDefault();
    const next = Math.max(0, Math.min(run.steps.length - 1, run.selected + by));
    lines.querySelector(`button[data-i="${next}"]`)?.focus();
  });
  new ResizeObserver(() => {
    const step = run?.steps[run.selected];
    if (step) draw_arcs(app, run, step, {strip, lines, arcs});
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
          ? ` ${wrong} of ${n} steps of its chain ${wrong > 1 ? 'are' : 'is'} wrong.`
          : n > 1
            ? ` All ${n} steps of its chain are right.`
            : ' The one step of its chain is right.';
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
