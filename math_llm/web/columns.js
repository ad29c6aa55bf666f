// Sums column by column, taught chains checked, code books read.
// Names and rules are those of the Python modules problems, chains, codebook and speaking.
import {InputError, VOCAB} from './engine.js';
import {superscript} from './dom.js';

const MOST_OPERANDS = 9, MOST_DIGITS = 40;

/** The operands of what a person typed, such as `658 + 189 =`. Throws InputError. */
export function parse_sum(text) {
  const found = text.replace(/\s/g, '').replace(/=$/, '');
  if (!found) throw new InputError('type a sum, for example 658+189');
  if (!/^[0-9]+(\+[0-9]+)+$/.test(found))
    throw new InputError('only whole numbers with + between them can be added, for example 658+189');
  const operands = found.split('+');
  if (operands.length > MOST_OPERANDS) throw new InputError(`at most ${MOST_OPERANDS} numbers`);
  if (operands.some(o => o.length > MOST_DIGITS)) throw new InputError(`at most ${MOST_DIGITS} digits`);
  return operands;
}

export const plain = number => number.replace(/^0+(?=.)/, '');

/** The operands as a model wants them written; throws InputError if it has not learned such sums. */
export function written_for(model, operands) {
  const {max_digits, max_operands, zero_pad} = model.meta.trained_on;
  const short = operands.map(plain), widest = Math.max(...short.map(o => o.length));
  if (operands.length > (max_operands ?? MOST_OPERANDS))
    throw new InputError(`this model adds at most ${max_operands} numbers`);
  if (widest > (max_digits ?? MOST_DIGITS))
    throw new InputError(`this model adds numbers of at most ${max_digits} digits`);
  return zero_pad ? short.map(o => o.padStart(max_digits, '0')) : short;
}

/** A sum by columns, lowest first. told: carries into columns, set to something else than they are. */
export class Columns {
  constructor(operands, told = {}) {
    this.operands = operands;
    this.width = Math.max(...operands.map(o => o.length));
    this.most = operands.length - 1;
    this.digits = k => operands.map(o => Number(o[o.length - 1 - k] ?? 0));
    this.own = Array.from({length: this.width}, (_, k) => this.digits(k).reduce((a, b) => a + b));
    this.carries = [0];                              // into each column, and out of the last
    this.told = told;
    for (let k = 0; k < this.width; k++) this.carries.push(this.pass_on(k, this.carries[k]));
  }
  /** The carry out of column k, if `carry` comes in. */
  pass_on(k, carry) { return this.told[k + 1] ?? Math.floor(((this.own[k] ?? 0) + carry) / 10); }
  /** The sum, without leading zeros. */
  get answer() {
    const digits = this.own.map((own, k) => (own + this.carries[k]) % 10);
    return plain(this.carries[this.width] + digits.reverse().join(''));
  }
}

// ---- taught chains --------------------------------------------------------------------------

export const chain_steps = chain => chain.replace(/(=\d+)(?=\d\+)/g, '$1 ').split(' ');

/** The verdict on each step of a `columns` chain: its text, and why it is wrong ('' if it is right). */
export function check_chain(operands, chain) {
  const columns = new Columns(operands), texts = chain_steps(chain.replace(/(<noop>)+$/, ''));
  let carry = 0;
  return Array.from({length: Math.max(columns.width, texts.length)}, (_, k) => {
    const text = texts[k] ?? '';
    if (!text) return {text, why: 'a step is missing'};
    if (!/^\d(\+\d)+(\+[1-9]\d*)?=(0|[1-9]\d*)$/.test(text)) { carry = 0; return {text, why: 'not a step'}; }
    const [left, total] = text.split('='), terms = left.split('+').map(Number);
    const want = k < columns.width ? [...columns.digits(k), ...(carry ? [carry] : [])] : [];
    const right = terms.reduce((a, b) => a + b) === Number(total);
    carry = Math.floor(Number(total) / 10);
    if (!right) return {text, why: 'the sum is wrong'};
    return {text, why: String(terms) === String(want) ? '' : "not this column's digits and carry"};
  });
}

// ---- code books -----------------------------------------------------------------------------

export const column_name = (k, top = false) =>
  !top ? `10${superscript(k)}` : k < 0 ? 'the head' : k === 0 ? 'the top column' : `${k} below the top`;

const WORDS = {own: 'digits of {}', unit: 'digits of {}, mod 10', carry: 'carry into {}',
               total: 'digits and carry of {}', digit: "answer's digit {}",
               width: 'number of columns', operands: 'number of operands'};

/** Something about an addition that a thought may speak of. */
export class Feature {
  constructor({kind, column = 0, start = null, top = false}) { Object.assign(this, {kind, column, start, top}); }
  get words() {
    const name = k => column_name(k, this.top);
    if (this.kind !== 'passes') return WORDS[this.kind].replace('{}', name(this.column));
    return `passed on by ${[...new Set([name(this.start), name(this.column)])].join(' to ')}`;
  }
  /** The column of a sum. */
  place(c, column = this.column) { return this.top ? c.width - 1 - column : column; }
  /** Its value in a sum; -1: there is no such column. */
  value(c) {
    const k = this.place(c), {kind} = this;
    if (kind === 'width') return c.width;
    if (kind === 'operands') return c.most + 1;
    if (kind === 'passes') return this.passes(c, k);
    const own = c.own[k] ?? 0, carry = c.carries[k] ?? 0;
    const value = {own, unit: own % 10, carry, total: own + carry, digit: (own + carry) % 10}[kind];
    return k >= 0 && k <= c.width - ['own', 'unit', 'total'].includes(kind) ? value : -1;
  }
  passes(c, k) {
    const first = this.place(c, this.start);
    let [low, high] = [0, c.most];
    for (let i = 0; i <= Math.abs(this.column - this.start); i++)
      [low, high] = [low, high].map(x => c.pass_on(first + i, x));
    return first >= 0 && k < c.width ? low + high : -1;
  }
  show(value) {
    if (value < 0) return '–';
    return this.kind === 'passes' && value % 2 ? `${value >> 1}/${(value + 1) >> 1}` : String(this.kind === 'passes' ? value >> 1 : value);
  }
  get tells_carry() { return ['carry', 'digit', 'total', 'passes'].includes(this.kind); }
}

/** One place of the chain in a code book. */
class Place {
  constructor(data) {
    Object.assign(this, {status: data.status, heard: data.heard, heard_as: data.heard_as, obeyed: data.obeyed});
    this.features = data.features.map(f => new Feature(f));
    this.counts = data.counts.map(([value, uses]) => [value, uses]);
    this.teller = this.features.find(f => f.tells_carry) ?? null;
  }
  /** What a token stands for: the value of each feature; null: it was never used. */
  meaning(token) {
    const uses = this.counts.filter(([, n]) => n[VOCAB[token]]);
    return uses.length ? uses.reduce((best, u) => u[1][VOCAB[token]] > best[1][VOCAB[token]] ? u : best)[0] : null;
  }
  get words() { return this.features.map(f => f.words).join(' & '); }
  get audible() { return !this.heard || Object.values(this.heard).some(s => s && s.share >= 0.01); }
  get readable() { return this.features.length > 0 && ['understood', 'read', 'partly'].includes(this.status); }
  says(token) {
    const value = this.meaning(token);
    return value && this.features.map((f, i) => f.show(value[i])).join(' & ');
  }
  /** Is what a token says so? null: it says nothing. */
  true_of(token, c) {
    const value = this.meaning(token);
    return value && this.features.every((f, i) => f.value(c) === value[i]);
  }
  /** Into which column the model takes which carry from a token; null: it tells none. */
  carry_said(token, c) {
    const value = this.teller && this.readable && this.meaning(token);
    if (!value) return null;
    const f = this.teller, v = value[this.features.indexOf(f)], k = f.place(c);
    if (v < 0) return null;
    let column = k, carry = v;
    if (f.kind === 'passes') {
      column = k + 1;
      carry = c.carries[f.place(c, f.start)] === c.most ? (v + 1) >> 1 : v >> 1;
    }
    if (f.kind === 'total') carry = v - c.own[k];
    if (f.kind === 'digit') carry = (v - (c.own[k] ?? 0) % 10 + 10) % 10;
    if (carry < 0 || carry > c.most) return null;
    if (['digit', 'total'].includes(f.kind) && this.heard_as === 'out') {
      column = k + 1;
      carry = Math.floor((c.own[k] + carry) / 10);
    }
    return column >= 1 && column <= c.width && Number.isFinite(carry) ? {column, carry} : null;
  }
}

/** A code book from its JSON; throws InputError if it is none. */
export class Codebook {
  constructor(data) {
    try {
      if (data.format !== 'math_llm code book' || !data.places.length) throw 0;
      this.places = data.places.map(p => new Place(p));
    } catch { throw new InputError('the code book of this model cannot be read'); }
  }
  /** The carries that thoughts tell, by column; of `some` places only, if these are given. */
  told(thoughts, c, some = this.places.keys()) {
    const told = {};
    for (const i of some) {
      const place = this.places[i], said = place?.audible ? place.carry_said(thoughts[i], c) : null;
      if (said) told[said.column] = said.carry;
    }
    return told;
  }
  /** What arithmetic gives with the carries that the rewritten thoughts tell, and what it gives when every
      thought is taken at its word. null: the book does not say what the rewritten thoughts mean. */
  foretell(operands, own, thoughts) {
    const c = new Columns(operands), changed = [...own.keys()].filter(i => own[i] !== thoughts[i]);
    const told = this.told(thoughts, c, changed);
    if (!Object.keys(told).length) return null;
    return {told, arithmetic: new Columns(operands, told).answer,
            book: new Columns(operands, this.told(thoughts, c)).answer};
  }
}

/** The thoughts between <think> and </think> of a completion's tokens. */
export const thoughts_of = (model, tokens) => tokens.slice(1, 1 + model.meta.thought_tokens);
