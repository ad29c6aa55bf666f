// What a changed thought does, in words and as a sum on paper.
import {column_name, plain} from './columns.js';
import {el, group} from './dom.js';

/** What the code book says of a thought: what it is about, its value, and whether that is so. */
export function describe(entry, token, c) {
  const say = (name, value = '', mark = '') => ({name, value, mark});
  if (!entry) return say('');
  if (entry.status === 'constant') return say('says nothing');
  if (!entry.features.length || entry.status === 'not understood') return say('not understood');
  const value = entry.says(token),
    right = value && entry.holds(entry.meaning(token), c);
  if (value === null) return say(entry.speaks_of, 'no word of its');
  return say(
    entry.speaks_of,
    `${value} ${right ? '✓' : '✗'}${entry.audible ? '' : ', not used'}`,
    right ? 'good' : 'bad',
  );
}

/** The sum as it is written on paper, with the carries that the thoughts tell. */
export function draw_sum(table, now) {
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

/** Does nobody listen to any thought that was changed? */
const unheard = now =>
  now.book &&
  now.thoughts.every((t, i) => t === now.own.thoughts[i] || !now.book.entries[i].audible);

/** What became of the answer, in sentences. */
export function sentences(now) {
  const {own, answer, foretold, changed, result} = now,
    show = x => (x === null ? 'nothing' : group(x));
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
        unheard(now)
          ? 'By the code book the answer does not use what was changed.'
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
            `${foretold.against.join(' and ')} still ${foretold.against.length > 1 ? 'say' : 'says'} otherwise.`,
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
  return words;
}
