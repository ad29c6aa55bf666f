// What a model makes of thoughts that are not its own, and two prepared experiments.
import {
  END_THINK,
  InputError,
  decode,
  encode,
  generate,
  random_numbers,
  thought_ids,
} from './engine.js';
import {Columns, plain, thoughts_of} from './columns.js';

/** A model's answer to operands, after thoughts of its own, or those given (the first ones, or
    all). */
export function think(model, operands, thoughts = []) {
  const forced = Object.fromEntries(thoughts.map((t, i) => [i + 1, t]));
  const {tokens} = generate(model, `${operands.join('+')}=`, {forced});
  const end = tokens.indexOf(END_THINK),
    written = decode(tokens.slice(end + 1));
  const found = /^(\d+)<end>$/.exec(written);
  return {thoughts: thoughts_of(model, tokens), answer: found ? plain(found[1]) : null};
}

/** Operands drawn as the model's problems are: all numbers at full width. */
export function draw(model, random, n = 0) {
  const {max_digits = 4, max_operands = 2} = model.meta.trained_on;
  n ||= 2 + Math.floor(random() * (max_operands - 1));
  const digit = first => String(first + Math.floor(random() * (10 - first)));
  return Array.from(
    {length: n},
    () => digit(1) + Array.from({length: max_digits - 1}, () => digit(0)).join(''),
  );
}

/** What became of rewritten thoughts: `obeyed`, `ignored`, `neither`, or null where the book says
    nothing. */
export function outcome(foretold, before, now) {
  if (!foretold || [foretold.book, foretold.arithmetic].every(x => x === before)) return null;
  if (now === foretold.book || now === foretold.arithmetic) return 'obeyed';
  return now === before ? 'ignored' : 'neither';
}

/** The first prepared experiment: of the thought that, by the code book, is obeyed best, the
    first of
    some sums in which no other thought speaks of that carry; if there is none, the others are made to
    agree. The sums have two numbers, as those of which the book speaks first. The model is not
    asked what it makes of it. */
export function wrong_carry({model, book}) {
  const alphabet = thought_ids(model.meta.thought_alphabet),
    share = i => book.entries[i].obeyed?.share ?? 0;
  const telling = i =>
    book.entries[i].teller && book.entries[i].readable && book.entries[i].audible;
  const entries = [...(book?.entries.keys() ?? [])]
    .filter(telling)
    .sort((a, b) => share(b) - share(a));
  const random = random_numbers(22),
    sums = [];
  while (sums.length < 40 && sums.tries !== 80) {
    const operands = draw(model, random).slice(0, 2),
      own = think(model, operands);
    if (own.answer === new Columns(operands).answer)
      sums.push({operands, own: own.thoughts, truth: own.answer});
    sums.tries = (sums.tries ?? 0) + 1;
  }
  if (!sums.length) throw new InputError('of 80 sums the model solves none; there is nothing to make wrong');
  for (const alone of [true, false])
    for (const i of entries)
      for (const {operands, own, truth} of sums)
        for (const token of alphabet) {
          const one = own.with(i, token),
            thoughts = alone ? one : book.agree(operands, own, one, alphabet);
          const foretold = book.foretell(operands, own, thoughts);
          if (
            foretold &&
            !foretold.against.length &&
            foretold.book !== truth &&
            foretold.book === foretold.arithmetic
          )
            return {sum: operands.join('+'), thoughts: decode(thoughts)};
        }
  const {operands, own} = sums[0];
  return {
    sum: operands.join('+'),
    thoughts: decode(
      own.with(
        0,
        alphabet.find(t => t !== own[0]),
      ),
    ),
  };
}

/** The second one: two sums of as many numbers as the model knows, the first with the thoughts of
    the second. */
export function swapped({model}) {
  const random = random_numbers(8),
    [sum, other] = [0, 1].map(() => draw(model, random, model.meta.trained_on.max_operands));
  return {
    sum: sum.join('+'),
    other: other.join('+'),
    thoughts: decode(think(model, other).thoughts),
  };
}

/** Thoughts from the address; null: none, not as many as the model has, or no thoughts. */
export function read_thoughts(text, k) {
  let ids = [];
  try {
    ids = encode(text ?? '');
  } catch {
    return null;
  }
  return ids.length === k && ids.every(t => thought_ids().includes(t)) ? ids : null;
}
