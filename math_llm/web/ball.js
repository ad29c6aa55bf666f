// Follow the ball: a puzzle whose steps cannot be done at once, and the thoughts of a model that
// solves it.
import {
  END_THINK,
  InputError,
  VOCAB,
  decode,
  generate,
  random_numbers,
  thought_ids,
} from './engine.js';
import {thoughts_of} from './columns.js';
import {outcome, read_thoughts} from './thinking.js';
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

/** What a model makes of a puzzle, after thoughts of its own, or those given (the first ones, or
    all). */
export function watch(model, puzzle, thoughts = []) {
  const forced = Object.fromEntries(thoughts.map((t, i) => [i + 1, t]));
  const {tokens} = generate(model, `${puzzle}=`, {forced}),
    written = decode(tokens.slice(tokens.indexOf(END_THINK) + 1));
  return {
    thoughts: thoughts_of(model, tokens),
    place: /^[0-4]<end>$/.test(written) ? Number(written[0]) : null,
  };
}

/** Which places each token means in each thought, the usual one first: what it stood for in puzzles
    drawn at random, at least one time in twenty. */
export function dictionary(model, n = 100) {
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
  const often = counts => {
    const all = counts.reduce((a, b) => a + b);
    return [...counts.keys()]
      .filter(place => counts[place] > all / 20)
      .sort((a, b) => counts[b] - counts[a]);
  };
  return uses.map(tokens => tokens.map(often));
}

/** The place that each thought says. A token with several places means the one that its move makes
    of the place before, if that is among them, else the usual one; null: it is no word. */
export function read(book, start, moves, thoughts) {
  let at = start;
  return moves.map((m, i) => {
    const places = book[i]?.[thoughts[i]] ?? [],
      next = at === null ? null : PERMUTATIONS[m][at];
    return (at = places.includes(next) ? next : (places[0] ?? null));
  });
}

/** Start and moves of what a person typed; throws InputError. */
export function parse_puzzle(text) {
  if (!/^[0-4]\d{7}$/.test(text))
    throw new InputError('type a place from 0 to 4 and seven moves, each a digit');
  const [start, ...moves] = [...text].map(Number);
  return {start, moves};
}

/** Where the ball ends if the thoughts are taken at their word: from the last one that is not what
    its move makes of the one before. said: a place for each thought, null where it is no word. */
export function foretell(start, moves, said) {
  const before = [start, ...said];
  const breaks = (place, i) => before[i] !== null && place !== PERMUTATIONS[moves[i]][before[i]],
    at = said.findLastIndex(breaks);
  if (at < 0) return {at, place: follow(start, moves).at(-1)};
  const place = said[at];
  return {at, place: place === null ? null : [place, ...follow(place, moves.slice(at + 1))].at(-1)};
}

/** The prepared experiment: the third thought is rewritten, so that it tells another place. */
export function jump({model}, puzzle = '23141592', i = 2) {
  const {start, moves} = parse_puzzle(puzzle),
    book = dictionary(model),
    own = watch(model, puzzle).thoughts,
    [place] = read(book, start, moves, own).slice(i),
    token = book[i].findIndex(places => places.length === 1 && places[0] !== place);
  return {ball: puzzle, told: decode(watch(model, puzzle, [...own.slice(0, i), token]).thoughts)};
}

const STEP = 100, // between two columns of the drawing, whose first stands at STEP / 2
  ROW = 52;

/** Places as rows, moves as columns: every move's arrows, the ball's way, and what the thoughts
    say. */
function drawing(start, moves, said) {
  const places = [start, ...follow(start, moves)],
    told = [start, ...said],
    x = i => STEP / 2 + i * STEP,
    y = place => ROW * (place + 0.5);
  const line = (cls, i, from, to) =>
    el('svg:line', {class: cls, x1: x(i), y1: y(from), x2: x(i + 1), y2: y(to)});
  const ways = moves.flatMap((m, i) => PERMUTATIONS[m].map((to, from) => line('way', i, from, to)));
  const went = moves.map((_, i) => line('went', i, places[i], places[i + 1]));
  const claims = moves.map((_, i) =>
    [told[i], told[i + 1]].includes(null) ? null : line('claim', i, told[i], told[i + 1]),
  );
  const hole = (place, i) => [
    el('svg:circle', {
      class: place === places[i] ? 'hole ball' : 'hole',
      cx: x(i),
      cy: y(place),
      r: 17,
    }),
    el('svg:text', {class: place === places[i] ? 'on' : '', x: x(i), y: y(place) + 8}, String(place)),
    place === told[i] && i
      ? el('svg:rect', {
          class: 'claim',
          x: x(i) - 22,
          y: y(place) - 22,
          width: 44,
          height: 44,
          rx: 6,
        })
      : null,
  ];
  const all = places.flatMap((_, i) => Array.from({length: PLACES}, (_, p) => hole(p, i)).flat());
  return el(
    'svg:svg',
    {
      viewBox: `0 0 ${STEP * (MOVES + 1)} ${ROW * PLACES}`,
      role: 'img',
      'aria-label':
        `The ball starts at ${start} and is then at ${places.slice(1).join(', ')}. ` +
        `The thoughts say ${said.map(p => p ?? 'nothing').join(', ')}.`,
    },
    ...[...ways, ...went, ...claims, ...all].filter(Boolean),
  );
}

export function ball_view(app, panel) {
  const input = el('input', {
    type: 'text',
    inputmode: 'numeric',
    autocomplete: 'off',
    size: 12,
  });
  const another = () => {
    const n = [PLACES, ...Array(MOVES).fill(10)].map(n => Math.floor(Math.random() * n));
    return app.set({ball: n.join(''), told: null});
  };
  const form = ask_form(
    () => app.set({ball: input.value.replace(/\s/g, ''), told: null}),
    el('label', {}, 'Start (0 to 4) and seven moves ', input),
    el('button', {type: 'submit', class: 'main'}, 'Follow'),
    el('button', {type: 'button', on: {click: () => app.set({told: null})}}, 'Think again'),
    el('button', {type: 'button', on: {click: another}}, 'Another'),
  );
  const line = el('p', {class: 'verdict'}),
    what = el('p', {class: 'what'}),
    board = el('div', {class: 'board'}),
    choices = el('div', {class: 'choices'});
  panel.append(
    form,
    el(
      'p',
      {class: 'hint'},
      'A ball (the disc) lies at one of five places. Each digit is a move, which takes it from the place where it ' +
        'is to another. Under each move stands a thought of the model, and what it means (the square). ' +
        'Choose one to change it; the thoughts after it are thought anew. A token that stands for several places is read as the one that fits.',
    ),
    line,
    board,
    choices,
    what,
  );
  const books = {};
  let now = null,
    last = '';

  function choose(i) {
    const meaning = t => {
      const places = now.book[i]?.[t] ?? [];
      return places.length ? ` → at ${places.join(' or ')}` : '';
    };
    choices.replaceChildren(
      radios(
        `After move ${i + 1}`,
        thought_ids(now.model.meta.thought_alphabet).map(t => [t, shown(VOCAB[t]) + meaning(t)]),
        now.thoughts[i],
        async t => {
          const {thoughts} = watch(now.model, now.puzzle, [...now.thoughts.slice(0, i), t]),
            same = thoughts.every((t, j) => t === now.own.thoughts[j]);
          await app.set({told: same ? null : decode(thoughts)});
          choose(i);
        },
      ),
    );
    choices.querySelector('input:checked, input')?.focus();
  }

  /** The thought under a move. */
  function card(i) {
    const {thoughts, own, said, places} = now,
      word = shown(VOCAB[thoughts[i]]),
      right = said[i] === places[i];
    return el(
      'button',
      {
        type: 'button',
        class: `thought${thoughts[i] === own.thoughts[i] ? '' : ' changed'}`,
        on: {click: () => choose(i)},
      },
      el('span', {class: 'unseen'}, `After move ${i + 1}: `),
      el('span', {class: 'token big'}, word),
      el(
        'span',
        {class: `value ${right ? 'good' : 'bad'}`},
        said[i] === null ? 'no word' : `at ${said[i]} ${right ? '✓' : '✗'}`,
      ),
    );
  }

  function tell() {
    const {own, place, foretold, changed, places} = now,
      truth = places.at(-1),
      show = place => place ?? 'no place';
    line.replaceChildren(
      'It says the ball ends at ',
      el('strong', {}, String(show(place))),
      ' ',
      el(
        'span',
        {class: place === truth ? 'good' : 'bad'},
        place === truth ? '✓ right' : `✗ the moves lead to ${truth}`,
      ),
    );
    const words = [];
    if (!changed) words.push('These are its own thoughts.');
    else if (foretold.place === null)
      words.push('In its own thoughts this token does not occur here, so it means no place.');
    else {
      if (foretold.at >= 0)
        words.push(
          `The thought after move ${foretold.at + 1} now says that the ball is at ${now.said[foretold.at]}. ` +
            `From there the moves lead to ${foretold.place}.`,
        );
      words.push(`Before, it answered ${show(own.place)}; now ${show(place)}.`);
      words.push(
        {
          obeyed: 'The model obeyed.',
          ignored: 'The model ignored it.',
          neither: 'The model did something else.',
        }[now.result] ?? 'So the answer should not change.',
      );
    }
    what.className = `what ${now.result ?? ''}`;
    what.textContent = words.join(' ');
    app.say(`${line.textContent}. ${words.join(' ')}`);
  }

  function remember() {
    const {own, thoughts, puzzle} = now,
      key = `${now.name} ${puzzle} ${thoughts}`;
    if (!now.changed || key === last || app.from_address) return;
    last = key;
    const i = thoughts.findIndex((t, i) => t !== own.thoughts[i]);
    app.record({
      model: now.name,
      sum: puzzle,
      change: `after move ${i + 1}: ${shown(VOCAB[own.thoughts[i]])}→${shown(VOCAB[thoughts[i]])}`,
      own_thoughts: decode(own.thoughts),
      thoughts: decode(thoughts),
      answer_before: own.place,
      answer: now.place,
      foretold: now.foretold.place,
      outcome: now.result ?? 'no prediction',
    });
  }

  return {
    before() {
      app.state.ball ??= '23141592';
      input.value = app.state.ball;
    },
    show({name, model}) {
      const puzzle = app.state.ball,
        {start, moves} = parse_puzzle(puzzle),
        own = watch(model, puzzle),
        given = read_thoughts(app.state.told, model.meta.thought_tokens),
        got = given ? watch(model, puzzle, given) : own,
        book = (books[name] ??= dictionary(model)),
        said = read(book, start, moves, got.thoughts),
        foretold = foretell(start, moves, said),
        changed = got.thoughts.some((t, i) => t !== own.thoughts[i]);
      now = {name, model, puzzle, own, ...got, book, said, foretold, changed};
      now.places = follow(start, moves);
      now.result =
        changed && foretold.place !== null
          ? outcome({book: foretold.place, arithmetic: foretold.place}, own.place, got.place)
          : null;
      board.replaceChildren(
        el('span', {class: 'name'}, 'start'),
        ...moves.map(m => el('span', {class: 'name'}, 'move ', el('strong', {}, String(m)))),
        drawing(start, moves, said),
        el('span', {class: 'name'}, 'it thinks'),
        ...moves.map((_, i) => card(i)),
      );
      choices.replaceChildren();
      tell();
      remember();
    },
  };
}
