// Think for it: the thoughts of a model that invented its chain, rewritten by the reader.
import {NOOP, VOCAB, decode, thought_ids} from './engine.js';
import {Columns, parse_sum, plain, written_for} from './columns.js';
import {outcome, read_thoughts, think} from './thinking.js';
import {el, group, radios, shown, sum_form} from './dom.js';
import {describe, draw_sum, sentences} from './words.js';
import {experiments_log} from './experiments.js';

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
    hint = el('p', {class: 'hint'}),
    strip = el('ol', {class: 'thoughts', 'aria-label': 'Its thoughts'});
  const agree = el(
    'button',
    {type: 'button', hidden: true, on: {click: () => app.guard(make_agree)}},
    'Make the others agree',
  );
  const choices = el('div', {class: 'choices'}),
    table = el('table', {class: 'columns'}),
    experiments = experiments_log(app);
  panel.append(
    ask.form,
    line,
    hint,
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
    ...experiments.parts,
  );
  let now = null;

  async function swap() {
    await app.guard(async () => {
      const {model} = await app.load(app.model_name('think'));
      const thoughts = think(model, written_for(model, parse_sum(app.state.other))).thoughts;
      app.set({thoughts: decode(thoughts)});
    });
  }
  function silence() {
    if (!now) return app.show(); // it says why there is nothing yet
    return app.set({thoughts: decode(now.own.thoughts.map(() => NOOP))});
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
        `Thought ${i}`,
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
          String(i),
          el('span', {class: 'unseen'}, ': '),
        ),
        el('span', {class: 'token big'}, word),
        mine ? null : el('span', {class: 'was'}, `was ${shown(VOCAB[now.own.thoughts[i]])}`),
        el('span', {class: 'meaning'}, meaning.name),
        el('span', {class: `value ${meaning.mark}`}, meaning.value),
      ),
    );
  }

  function tell() {
    const {answer, truth, result} = now,
      show = x => (x === null ? 'nothing' : group(x)),
      words = sentences(now);
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
    what.className = `what ${result ?? ''}`;
    what.textContent = words.join(' ');
    app.say(`${problem} = ${answer ?? 'nothing'}. ${words.join(' ')}`);
  }

  function explain() {
    hint.textContent = [
      'Before it answers, the model writes these thoughts, counted from 0.',
      now.book ? 'Under each stands what its code book reads in it.' : '',
      'Choose one to change it: the answer is computed anew.',
      now.book?.entries.some(e => !e.audible) ? 'The answer does not use those with a dashed edge.' : '',
    ].join(' ');
  }

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
      const fits = book?.entries.length === k ? book.about(operands) : null;
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
      draw_sum(table, now);
      explain();
      tell();
      experiments.add(now);
    },
  };
}
