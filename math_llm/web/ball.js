// Follow the ball: a puzzle whose steps cannot be done at once, and the thoughts of a model that
// solves it.
import {
  END_THINK,
  InputError,
  VOCAB,
  decode,
  encode,
  generate,
  random_numbers,
  thought_ids,
} from './engine.js';
import {thoughts_of} from './columns.js';
import {ask_form, el, radios, shown} from './dom.js';

const PLACES = 5,
  MOVES = 7;
/** Move d takes the ball from place i to PERMUTATIONS[d][i]. */
export const PERMUTATIONS = [
  [3, 1, 4, 0, 2],
  [4, 2, 0, 1, 3],
  [0, 2, 1, 3, 4],
  [3, 0, 1, 2, 4],
  [0, 3, 1, 2, 4],
  [0, 4, 1, 2, 3],
  [2, 0, 3, 1, 4],
  [2, 1, 3, 0, 4],
  [0, 3, 4, 1, 2],
  [0, 4, 2, 1, 3],
];

/** Where the ball is after each move. */
export function follow(start, moves) {
  let at = start;
  return moves.map(m => (at = PERMUTATIONS[m][at]));
}

export function watch(model, puzzle, thoughts = []) {
  const forced = Object.fromEntries(thoughts.map((t, i) => [i + 1, t]));
  const {tokens} = generate(model, `${puzzle}=`, {forced}),
    written = decode(tokens.slice(tokens.indexOf(END_THINK) + 1));
  return {
    thoughts: thoughts_of(model, tokens),
    place: /^[0-4]<end>$/.test(written) ? Number(written[0]) : null,
  };
}

/** Which place each token means in each thought: what it stood for most often in puzzles drawn at
    random. */
export function dictionary(model, n = 200) {
  const random = random_numbers(5),
    k = model.meta.thought_tokens;
  const uses = Array.from({length: k}, () => VOCAB.map(() => Array(PLACES).fill(0)));
  for (let i = 0; i < n; i++) {
    const start = Math.floor(random() * PLACES),
      moves = Array.from({length: MOVES}, () => Math.floor(random() * 10));
    const places = follow(start, moves);
    watch(model, start + moves.join('')).thoughts.forEach((t, j) => {
      if (j < MOVES) uses[j][t][places[j]]++;
    });
  }
  return uses.map(tokens => tokens.map(n => (Math.max(...n) ? n.indexOf(Math.max(...n)) : null)));
}

export function ball_view(app, panel) {
  const input = el('input', {
    type: 'text',
    inputmode: 'numeric',
    autocomplete: 'off',
    size: 12,
    maxlength: 12,
  });
  const form = ask_form(
    () => app.set({ball: input.value.trim(), told: null}),
    el('label', {class: 'wide'}, 'Start (0 to 4) and seven moves ', input),
    el('button', {type: 'submit', class: 'main'}, 'Follow'),
    el('button', {type: 'button', on: {click: () => app.set({told: null})}}, 'Think again'),
  );
  const line = el('p', {class: 'verdict'}),
    what = el('p', {class: 'what'}),
    rows = el('ol', {class: 'moves'}),
    choices = el('div', {class: 'choices'});
  panel.append(
    form,
    el(
      'p',
      {class: 'hint'},
      'The ball lies at one of five places. Each move takes it from the place where it is to another. ' +
        'Under each move stands the thought of the model; choose one to change it. The thoughts after it are thought anew.',
    ),
    line,
    rows,
    choices,
    what,
  );
  const books = {};
  let now = null;

  const board = (place, mark) =>
    el(
      'span',
      {class: `board ${mark}`, 'aria-hidden': 'true'},
      ...Array.from({length: PLACES}, (_, i) =>
        el('span', {class: i === place ? 'hole ball' : 'hole'}, String(i)),
      ),
    );

  function choose(i) {
    const alphabet = thought_ids(now.model.meta.thought_alphabet);
    choices.replaceChildren(
      radios(
        `Thought ${i + 1}`,
        alphabet.map(t => [t, shown(VOCAB[t])]),
        now.thoughts[i],
        t => {
          const thoughts = watch(
            now.model,
            now.puzzle,
            now.thoughts.slice(0, i).concat(t),
          ).thoughts;
          app
            .set({
              told: thoughts.every((t, j) => t === now.own.thoughts[j]) ? null : decode(thoughts),
            })
            .then(() => choose(i));
        },
      ),
    );
    choices.querySelector('input:checked, input')?.focus();
  }

  return {
    before() {
      app.state.ball ??= '23141592';
      input.value = app.state.ball;
    },
    show({name, model}) {
      const puzzle = app.state.ball,
        [start, ...moves] = [...puzzle].map(Number),
        places = follow(start, moves);
      if (!/^[0-4]\d{7}$/.test(puzzle))
        throw new InputError('type a place from 0 to 4 and seven moves, each a digit');
      const own = watch(model, puzzle),
        k = model.meta.thought_tokens,
        book = (books[name] ??= dictionary(model));
      let given = [];
      try {
        given = encode(app.state.told ?? '');
      } catch {
        /* from a broken address: its own thoughts */
      }
      const got = given.length === k ? watch(model, puzzle, given) : own,
        truth = places.at(-1);
      now = {model, puzzle, own, ...got};
      const said = got.thoughts.map((t, i) => book[i]?.[t] ?? null),
        changed = got.thoughts.some((t, i) => t !== own.thoughts[i]);
      rows.replaceChildren(
        el('li', {}, el('span', {class: 'name'}, 'start'), board(start, '')),
        ...moves.map((m, i) =>
          el(
            'li',
            {},
            el('span', {class: 'name'}, `move ${m}`),
            board(places[i], ''),
            el(
              'button',
              {
                type: 'button',
                class: `thought${got.thoughts[i] === own.thoughts[i] ? '' : ' changed'}`,
                on: {click: () => choose(i)},
                'aria-label': `Thought ${i + 1}: ${shown(VOCAB[got.thoughts[i]])}, which means place ${said[i] ?? 'unknown'}; the ball is at ${places[i]}`,
              },
              el('span', {class: 'token big'}, shown(VOCAB[got.thoughts[i]])),
              board(said[i], said[i] === places[i] ? 'good' : 'bad'),
            ),
          ),
        ),
      );
      choices.replaceChildren();
      line.replaceChildren(
        'It says the ball ends at ',
        el('strong', {}, got.place === null ? 'no place' : String(got.place)),
        ' ',
        el(
          'span',
          {class: got.place === truth ? 'good' : 'bad'},
          got.place === truth ? '✓ right' : `✗ it ends at ${truth}`,
        ),
      );
      const first = got.thoughts.findIndex((t, i) => t !== own.thoughts[i]);
      what.textContent = !changed
        ? 'These are its own thoughts.'
        : said[first] === null
          ? 'This token is no word of its.'
          : `Rewritten, thought ${first + 1} says the ball is at ${said[first]}. From there the moves lead to ` +
            `${follow(said[first], moves.slice(first + 1)).at(-1) ?? said[first]}. The model says ${got.place ?? 'nothing'}.`;
      app.say(`${line.textContent} ${what.textContent}`);
    },
  };
}
