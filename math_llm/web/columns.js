// Sums column by column, taught chains checked, code books read.
// Names and rules are those of the Python modules problems, chains, codebook and speaking.
import {InputError, VOCAB} from './engine.js';
import {superscript} from './dom.js';

const MOST_OPERANDS = 9,
  MOST_DIGITS = 40;

/** The operands of what a person typed, such as `658 + 189 =`. Throws InputError. */
export function parse_sum(text) {
  const found = text.replace(/\s/g, '').replace(/=$/, '');
  if (!found) throw new InputError('type a sum, for example 658+189');
  if (!/^[0-9]+(\+[0-9]+)+$/.test(found))
    throw new InputError(
      'only whole numbers with + between them can be added, for example 658+189',
    );
  const operands = found.split('+');
  if (operands.length > MOST_OPERANDS) throw new InputError(`at most ${MOST_OPERANDS} numbers`);
  if (operands.some(o => o.length > MOST_DIGITS))
    throw new InputError(`at most ${MOST_DIGITS} digits`);
  return operands;
}

export const plain = number => number.replace(/^0+(?=.)/, '');

/** The operands as a model wants them written; throws InputError if it has not learned such sums.
    */
export function written_for(model, operands) {
  const {max_digits, max_operands, zero_pad} = model.meta.trained_on;
  const short = operands.map(plain),
    widest = Math.max(...short.map(o => o.length));
  if (operands.length > (max_operands ?? MOST_OPERANDS))
    throw new InputError(`this model adds at most ${max_operands} numbers`);
  if (widest > (max_digits ?? MOST_DIGITS))
    throw new InputError(`this model adds numbers of at most ${max_digits} digits`);
  return zero_pad ? short.map(o => o.padStart(max_digits, '0')) : short;
}

/** A sum by columns, lowest first. told: carries into columns, set to something else than they
    are. */
export class Columns {
  constructor(operands, told = {}) {
    this.operands = operands;
    this.width = Math.max(...operands.map(o => o.length));
    this.most = operands.length - 1;
    this.digits = k => operands.map(o => Number(o[o.length - 1 - k] ?? 0));
    this.own = Array.from({length: this.width}, (_, k) => this.digits(k).reduce((a, b) => a + b));
    this.carries = [0]; // into each column, and out of the last
    this.told = told;
    for (let k = 0; k < this.width; k++) this.carries.push(this.carry_out(k, this.carries[k]));
  }
  /** The carry out of column k, if `carry` comes in. */
  carry_out(k, carry) {
    return this.told[k + 1] ?? Math.floor(((this.own[k] ?? 0) + carry) / 10);
  }
  /** The sum, without leading zeros. */
  get answer() {
    const digits = this.own.map((own, k) => (own + this.carries[k]) % 10);
    return plain(this.carries[this.width] + digits.reverse().join(''));
  }
}

// ---- taught chains --------------------------------------------------------------------------

export const chain_steps = chain => chain.replace(/(=\d+)(?=\d\+)/g, '$1 ').split(' ');

/** The verdict on each step of a `columns` chain: its text, and why it is wrong ('' if it is
    right). */
export function check_chain(operands, chain) {
  const columns = new Columns(operands),
    texts = chain_steps(chain.replace(/(<noop>)+$/, ''));
  let carry = 0;
  return Array.from({length: Math.max(columns.width, texts.length)}, (_, k) => {
    const text = texts[k] ?? '';
    if (!text) return {text, why: 'a step is missing'};
    if (!/^\d(\+\d)+(\+[1-9]\d*)?=(0|[1-9]\d*)$/.test(text)) {
      carry = 0;
      return {text, why: 'not a step'};
    }
    const [left, total] = text.split('='),
      terms = left.split('+').map(Number);
    const want = k < columns.width ? [...columns.digits(k), ...(carry ? [carry] : [])] : [];
    const right = terms.reduce((a, b) => a + b) === Number(total);
    carry = Math.floor(Number(total) / 10);
    if (!right) return {text, why: 'the sum is wrong'};
    return {text, why: String(terms) === String(want) ? '' : "not this column's digits and carry"};
  });
}

// ---- code books -----------------------------------------------------------------------------

export const column_name = k => `10${superscript(k)}`;

/** Something about an addition that a thought may tell. */
class Feature {
  constructor({kind, column = 0, start = null}) {
    Object.assign(this, {
      kind: kind === 'passes' ? 'lookahead' : kind,
      column,
      start: start ?? column,
    });
  }
  /** What it is for a sum; -1: there is no such column. */
  value(c) {
    const {kind, column: k} = this;
    if (kind === 'operands') return c.most + 1;
    let [low, high] = [0, c.most]; // the least and the greatest carry
    for (let i = this.start; i <= k; i++) [low, high] = [low, high].map(x => c.carry_out(i, x));
    const own = c.own[k] ?? 0,
      carry = c.carries[k] ?? 0;
    const value = {
      own,
      carry,
      digit: (own + carry) % 10,
      generate: low,
      propagate: high,
      lookahead: low + high,
      total: own + carry,
      unit: own % 10,
      width: c.width,
    }[kind];
    return value !== undefined && k < c.width + ['carry', 'digit'].includes(kind) ? value : -1;
  }
  /** A value as it is written: `4`; `0/1`: it depends on what comes in; `–`: no column. */
  show(value) {
    if (value < 0) return '–';
    if (this.kind !== 'lookahead') return String(value);
    return [...new Set([value >> 1, (value + 1) >> 1])].join('/');
  }
  /** The column into which goes the carry that this depends on; null: it tells no carry. */
  get told() {
    if (['carry', 'digit', 'total'].includes(this.kind)) return this.column;
    return ['generate', 'propagate', 'lookahead'].includes(this.kind) ? this.column + 1 : null;
  }
}

/** What a code book says about one thought of the chain. */
class Entry {
  constructor({status, speaks_of, heard, heard_as, obeyed, features, counts}) {
    Object.assign(this, {status, speaks_of, heard, heard_as, obeyed, counts});
    this.features = features.map(f => new Feature(f));
    this.teller = this.features.find(f => f.told !== null) ?? null;
  }
  /** What a token stands for: the value of each feature; null: it was never used. */
  meaning(token) {
    const uses = this.counts
      .map(([value, n]) => [value, n[VOCAB[token]] ?? 0])
      .filter(([, n]) => n);
    return uses.length ? uses.reduce((best, u) => (u[1] > best[1] ? u : best))[0] : null;
  }
  get audible() {
    return !this.heard || Object.values(this.heard).some(s => s && s.share >= 0.01);
  }
  get readable() {
    return this.features.length > 0 && ['understood', 'read', 'partly'].includes(this.status);
  }
  says(token) {
    const value = this.meaning(token);
    return value && this.features.map((f, i) => f.show(value[i])).join(' & ');
  }
  /** Is this what the thought should tell about a sum? */
  holds(value, c) {
    return this.features.every((f, i) => f.value(c) === value[i]);
  }
  /** Into which column the model takes which carry from a token; null: it tells none, or leaves
      the carry to what comes in. */
  carry_said(token, c) {
    const value = this.teller && this.readable ? this.meaning(token) : null;
    if (!value) return null;
    const {kind, told} = this.teller,
      column = told + (this.heard_as === 'out' && ['digit', 'total'].includes(kind));
    const fixed = ['carry', 'digit', 'total'].includes(kind);
    if (told < 1 || column > c.width || (!fixed && this.holds(value, c))) return null;
    const carries = [c.carries[told], ...Array.from({length: c.most + 1}, (_, carry) => carry)];
    for (const carry of carries) {
      // which carry would make this thought true?
      const said = new Columns(c.operands, {[told]: carry});
      if (this.holds(value, said)) return {column, carry: said.carries[column]};
    }
    return null;
  }
}

/** A code book from its JSON; throws InputError if it is none. */
export class Codebook {
  constructor(data) {
    try {
      if (data.format !== 'math_llm code book' || !data.places.length) throw 0;
      this.entries = data.places.map(entry => new Entry(entry));
      this.others = Object.fromEntries(
        Object.entries(data.others ?? {}).map(([n, book]) => [n, new Codebook(book)]),
      );
    } catch {
      throw new InputError('the code book of this model cannot be read');
    }
  }
  /** The book about problems with so many operands: one of `others`, or itself. */
  about(operands) {
    return this.others[operands.length] ?? this;
  }
  /** What thought i tells the model: the column and its carry; null: none, or nobody listens. */
  said(thoughts, c, i) {
    const entry = this.entries[i];
    return entry?.audible ? entry.carry_said(thoughts[i], c) : null;
  }
  /** The carries that thoughts tell, by column; where two disagree, the later one in `order`
      counts. */
  told(thoughts, c, order = [...this.entries.keys()]) {
    const said = order.map(i => this.said(thoughts, c, i)).filter(Boolean);
    return Object.fromEntries(said.map(({column, carry}) => [column, carry]));
  }
  /** What arithmetic gives with the carries that the rewritten thoughts tell (`arithmetic`), and
      with
      every thought taken at its word (`book`); which others say something else about the same carries
      (`against`). null: the book does not say which carry the rewritten thoughts tell. */
  foretell(operands, own, thoughts) {
    const c = new Columns(operands),
      is_own = i => own[i] === thoughts[i],
      all = [...own.keys()];
    const changed = all.filter(i => !is_own(i)),
      kept = all.filter(is_own);
    const told = this.told(thoughts, c, changed);
    if (!Object.keys(told).length) return null;
    const against = kept.filter(i => {
      const said = this.said(thoughts, c, i);
      return said && said.carry !== (told[said.column] ?? said.carry);
    });
    return {
      told,
      against,
      arithmetic: new Columns(operands, told).answer,
      book: new Columns(operands, this.told(thoughts, c, [...kept, ...changed])).answer,
    };
  }
  /** The thoughts with all others changed so that they agree with the carries that the rewritten
      ones tell. */
  agree(operands, own, thoughts, alphabet) {
    const c = new Columns(operands),
      changed = [...own.keys()].filter(i => own[i] !== thoughts[i]);
    const said = new Columns(operands, this.told(thoughts, c, changed));
    return thoughts.map((token, i) => {
      const entry = this.entries[i],
        fits = t => entry.meaning(t) && entry.holds(entry.meaning(t), said);
      if (own[i] !== token || !entry.teller || !entry.readable || fits(token)) return token;
      return alphabet.find(fits) ?? token;
    });
  }
}

/** The thoughts between <think> and </think> of a completion's tokens. */
export const thoughts_of = (model, tokens) => tokens.slice(1, 1 + model.meta.thought_tokens);
