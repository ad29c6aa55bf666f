// Think for it: the thoughts of a model that invented its chain, rewritten by the reader.
import {NOOP, VOCAB, decode, encode, thought_ids} from './engine.js';
import {Columns, column_name, parse_sum, plain, written_for} from './columns.js';
import {outcome, read_thoughts, think} from './thinking.js';
import {el, group, radios, shown, sum_form} from './dom.js';

export function think_view(app, panel) {
  const ask = sum_form(app, 'think', 'Think');
  const onward = el('input', {
    type: 'checkbox',
    on: {change: () => app.set({onward: onward.checked ? '1' : null})},
  });
  const other = el('input', {
    type: 'text',
    inputmode: 'tel',
    autocomplete: 'off',
    spellcheck: 'false',
    size: 24,
    on: {change: () => app.set({other: other.value.replace(/\s/g, '')})},
  });
  const line = el('p', {class: 'verdict'}),
    what = el('p', {class: 'what'}),
    strip = el('ol', {class: 'thoughts', 'aria-label': 'Its thoughts'});
  const agree = el(
    'button',
    {type: 'button', on: {click: () => app.guard(make_agree)}},
    'Make the others agree',
  );
  const choices = el('div', {class: 'choices'}),
    table = el('table', {class: 'columns'}),
    counter = el('p', {class: 'counter'});
  const log = el(
    'details',
    {class: 'log'},
    el('summary', {}, 'Your experiments'),
    el('div', {class: 'scroll'}),
  );
  panel.append(
    ask.form,
    line,
    el(
      'p',
      {class: 'hint'},
      'Each card is a thought. Choose one to change it; the answer is computed anew.',
    ),
    strip,
    choices,
    what,
    el(
      'div',
      {class: 'tools'},
      el('button', {type: 'button', on: {click: () => app.set({thoughts: null})}}, 'Think again'),
      agree,
      el('button', {type: 'button', on: {click: () => app.guard(silence)}}, 'Silence the thoughts'),
      el('button', {type: 'button', on: {click: () => swap()}}, 'Swap in the thoughts of'),
      el('label', {class: 'inline'}, el('span', {class: 'unseen'}, 'The other sum'), other),
      el('label', {class: 'inline'}, onward, ' after a change it thinks on from there'),
    ),
    el('div', {class: 'scroll'}, table),
    counter,
    log,
  );
  let now = null,
    last = '';

  async function swap() {
    await app.guard(async () => {
      const {model} = await app.load(app.model_name('think'));
      const thoughts = think(model, written_for(model, parse_sum(app.state.other))).thoughts;
      app.set({thoughts: decode(thoughts)});
    });
  }
  function silence() {
    app.set({thoughts: decode(now.own.thoughts.map(() => NOOP))});
  }
  function make_agree() {
    const alphabet = thought_ids(now.model.meta.thought_alphabet);
    app.set({
      thoughts: decode(now.book.agree(now.operands, now.own.thoughts, now.thoughts, alphabet)),
    });
  }
  function change(i, token) {
    const changed = now.thoughts.with(i, token);
    const thoughts = onward.checked
      ? think(now.model, now.operands, changed.slice(0, i + 1)).thoughts
      : changed;
    const same = thoughts.every((t, j) => t === now.own.thoughts[j]);
    return app.set({thoughts: same ? null : decode(thoughts)});
  }
  async function choose(i) {
    const alphabet = thought_ids(now.model.meta.thought_alphabet),
      token = now.thoughts[i];
    if (alphabet.length === 2) {
      await change(i, alphabet.find(t => t !== token) ?? alphabet[0]);
      return strip.querySelectorAll('button')[i]?.focus();
    }
    choices.replaceChildren(
      radios(
        `Thought ${i + 1}`,
        alphabet.map(t => [t, shown(VOCAB[t])]),
        token,
        async t => {
          await change(i, t);
          choose(i);
          choices.querySelector('input:checked')?.focus();
        },
      ),
    );
    choices.querySelector('input:checked, input')?.focus();
  }

  function card(i) {
    const token = now.thoughts[i],
      entry = now.book?.entries[i],
      mine = token === now.own.thoughts[i];
    const word = shown(VOCAB[token]),
      meaning = describe(entry, token, now.columns);
    return el(
      'li',
      {},
      el(
        'button',
        {
          type: 'button',
          class: `thought${mine ? '' : ' changed'}${entry && !entry.audible ? ' unheard' : ''}`,
          on: {click: () => app.guard(() => choose(i))},
        },
        el(
          'span',
          {class: 'name'},
          el('span', {class: 'unseen'}, 'Thought '),
          String(i + 1),
          el('span', {class: 'unseen'}, ': '),
        ),
        el('span', {class: 'token big'}, word),
        mine ? null : el('span', {class: 'was'}, `was ${shown(VOCAB[now.own.thoughts[i]])}`),
        el('span', {class: 'meaning'}, meaning.name),
        el('span', {class: `value ${meaning.mark}`}, meaning.value),
      ),
    );
  }

  /** The sum as it is written on paper, with the carries that the thoughts tell. */
  function draw_table() {
    const {columns: c, operands, answer, truth, book, thoughts} = now,
      told = book ? book.told(thoughts, c) : {};
    const width = Math.max(c.width + 1, answer?.length ?? 0),
      places = Array.from({length: width}, (_, k) => width - 1 - k);
    const expected = now.foretold?.book ?? null,
      at = (text, k) => text?.[text.length - 1 - k] ?? '';
    const row = (name, cell, cls = '') =>
      el(
        'tr',
        {class: cls},
        el('th', {scope: 'row'}, name),
        ...places.map(k => {
          const [text, mark = ''] = [cell(k)].flat();
          return el('td', {class: mark}, text);
        }),
      );
    table.replaceChildren(
      el('caption', {class: 'unseen'}, 'The sum by columns'),
      el(
        'thead',
        {},
        el('tr', {}, el('td', {}), ...places.map(k => el('th', {scope: 'col'}, column_name(k)))),
      ),
      el(
        'tbody',
        {},
        row('carry', k => (k && c.carries[k] ? String(c.carries[k]) : ''), 'carry'),
        Object.keys(told).length
          ? row(
              'thoughts say',
              k =>
                told[k] === undefined
                  ? ['·', 'quiet']
                  : [String(told[k]), told[k] === c.carries[k] ? '' : 'differs'],
              'carry',
            )
          : null,
        ...operands.map((o, j) => row(j ? '+' : 'numbers', k => at(plain(o), k))),
        row(
          'it answers',
          k => [at(answer, k), at(answer, k) === at(truth, k) ? '' : 'differs'],
          'sum',
        ),
        now.changed && expected ? row('foretold', k => at(expected, k), 'quiet') : null,
        row('the sum is', k => at(truth, k), 'quiet'),
      ),
    );
  }

  function tell() {
    const {own, answer, truth, foretold, changed, result} = now,
      show = x => (x === null ? 'nothing' : group(x));
    const problem = now.operands.map(o => group(plain(o))).join(' + ');
    line.replaceChildren(
      `${problem} = `,
      el('strong', {}, show(answer)),
      ' ',
      el(
        'span',
        {class: answer === truth ? 'good' : 'bad'},
        answer === truth ? '✓ right' : `✗ the sum is ${show(truth)}`,
      ),
    );
    const words = [];
    if (!changed)
      words.push(
        now.book
          ? 'These are its own thoughts.'
          : 'These are its own thoughts. No code book says what they mean.',
      );
    else {
      if (now.lender) words.push(`These are its thoughts about ${now.lender}.`);
      const carries = Object.entries(foretold?.told ?? {}).map(
        ([k, v]) => `${v} into ${column_name(Number(k))}`,
      );
      words.push(`Before, it answered ${show(own.answer)}; now ${show(answer)}.`);
      if (!foretold)
        words.push(
          unheard()
            ? 'By the code book nobody listens to what was changed.'
            : 'The code book does not say which carry these thoughts tell.',
        );
      else {
        if (carries.length < 4)
          words.push(
            `With a carry of ${carries.join(' and ')}, arithmetic gives ${show(foretold.arithmetic)}.`,
          );
        if (foretold.against.length)
          words.push(
            `But ${foretold.against.length > 1 ? 'thoughts' : 'thought'} ` +
              `${foretold.against.map(i => i + 1).join(' and ')} still ${foretold.against.length > 1 ? 'say' : 'says'} otherwise.`,
          );
        words.push(
          foretold.book === foretold.arithmetic
            ? 'The code book foretold the same.'
            : `The code book, which takes the other thoughts at their word too, foretold ${show(foretold.book)}.`,
        );
      }
      words.push(
        {
          obeyed: 'The model obeyed.',
          ignored: 'The model ignored it.',
          neither: 'The model did something else.',
        }[result] ??
          (foretold
            ? 'So the answer should not change.'
            : own.answer === answer
              ? 'The answer is the same.'
              : 'The answer changed.'),
      );
    }
    what.className = `what ${result ?? ''}`;
    what.textContent = words.join(' ');
    app.say(`${problem} = ${answer ?? 'nothing'}. ${words.join(' ')}`);
  }

  /** Does nobody listen to any thought that was changed? */
  const unheard = () =>
    now.book &&
    now.thoughts.every((t, i) => t === now.own.thoughts[i] || !now.book.entries[i].audible);

  /** The other sum, if these are the thoughts about it. */
  function lender(model, thoughts) {
    try {
      const there = written_for(model, parse_sum(app.state.other ?? ''));
      return think(model, there).thoughts.every((t, i) => t === thoughts[i])
        ? `${there.map(o => group(plain(o))).join(' + ')} = ${group(new Columns(there).answer)}`
        : null;
    } catch {
      return null;
    } // what stands there is no sum
  }

  function remember() {
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
              : `${i + 1}: ${shown(VOCAB[own.thoughts[i]])}→${shown(VOCAB[t])}`,
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
    swap,
    before() {
      ask.update();
      other.value = app.state.other ?? '';
      onward.checked = app.state.onward === '1';
    },
    show({name, model, book}) {
      const operands = written_for(model, parse_sum(app.state.sum)),
        own = think(model, operands),
        k = model.meta.thought_tokens;
      const given = read_thoughts(app.state.thoughts, k),
        begin = performance.now();
      const got = given ? think(model, operands, given) : own,
        changed = got.thoughts.some((t, i) => t !== own.thoughts[i]);
      const fits = book?.entries.length === k ? book : null;
      const foretold = changed && fits ? fits.foretell(operands, own.thoughts, got.thoughts) : null;
      now = {
        name,
        model,
        book: fits,
        operands,
        own,
        ...got,
        changed,
        foretold,
        columns: new Columns(operands),
        ms: performance.now() - begin,
      };
      now.truth = now.columns.answer;
      now.lender = changed ? lender(model, got.thoughts) : null;
      now.result = changed ? outcome(foretold, own.answer, got.answer) : null;
      strip.replaceChildren(...now.thoughts.map((_, i) => card(i)));
      choices.replaceChildren();
      agree.hidden =
        !foretold || (!foretold.against.length && foretold.book === foretold.arithmetic);
      draw_table();
      tell();
      remember();
      count();
    },
  };
}

/** What the code book says of a thought: what it is about, its value, and whether that is so. */
function describe(entry, token, c) {
  const say = (name, value = '', mark = '') => ({name, value, mark});
  if (!entry) return say('');
  if (entry.status === 'constant') return say('says nothing');
  if (!entry.features.length || entry.status === 'not understood') return say('not understood');
  const value = entry.says(token),
    right = value && entry.holds(entry.meaning(token), c);
  if (value === null) return say(entry.speaks_of, 'no word of its');
  return say(
    entry.speaks_of,
    `${value} ${right ? '✓' : '✗'}${entry.audible ? '' : ' unheard'}`,
    right ? 'good' : 'bad',
  );
}
