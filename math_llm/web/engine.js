// The models of math_llm in a browser: read, run, decoded. One module, nothing else is loaded.
// Names and structure are those of the Python modules tokenizer, files, model and decoding.
// A batch is one text; a token's values are a Float32Array, its position comes with them.

// ---- tokenizer ------------------------------------------------------------------------------

export const VOCAB = [...'0123456789', '+', '=', '<end>', '<think>', '</think>', '<noop>'];
export const [PLUS, EQUALS, END, THINK, END_THINK, NOOP] = [10, 11, 12, 13, 14, 15];

export class InputError extends Error {}

/** The token ids of a text; spaces and newlines are skipped. Throws InputError. */
export function encode(text) {
  const ids = [];
  for (let i = 0; i < text.length;) {
    const token = VOCAB.find(t => text.startsWith(t, i));
    if (token === undefined && !' \n'.includes(text[i]))
      throw new InputError(`unknown character '${String.fromCodePoint(text.codePointAt(i))}' ` +
                           `at position ${i}; accepted are ${VOCAB.join(' ')}`);
    if (token !== undefined) ids.push(VOCAB.indexOf(token));
    i += token?.length ?? 1;
  }
  return ids;
}

/** The text of token ids, without any spaces. */
export const decode = ids => Array.from(ids, i => VOCAB[i]).join('');

// ---- files ----------------------------------------------------------------------------------

const DTYPES = {                                     // name in PyTorch, bytes, reader of one value
  F64: ['torch.float64', 8, (view, at) => view.getFloat64(at, true)],
  F32: ['torch.float32', 4, (view, at) => view.getFloat32(at, true)],
  F16: ['torch.float16', 2, (view, at) => half(view.getUint16(at, true))],
  BF16: ['torch.bfloat16', 2, (view, at) => single(view.getUint16(at, true) << 16)],
};

/** The number that 16 bits of half precision stand for. */
function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1, exponent = bits >> 10 & 31, fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 25) * (1024 + fraction) : 2 ** -24 * fraction);
}

/** The number that 32 bits of single precision stand for. */
const WORD = new DataView(new ArrayBuffer(4));
function single(bits) { WORD.setInt32(0, bits); return WORD.getFloat32(0); }

/** A tensor's bytes as 32-bit numbers. */
function numbers(bytes, dtype) {
  const [, size, read] = DTYPES[dtype], out = new Float32Array(bytes.length / size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let i = 0; i < out.length; i++) out[i] = read(view, size * i);
  return out;
}

const refuse = why => { throw new InputError(`not a usable model file: ${why}`); };
const ascii = bytes => Array.from(bytes, b => String.fromCharCode(b)).join('');
const ascii_bytes = text => Uint8Array.from(text, c => c.charCodeAt(0));

/** Facts and tensors of a safetensors header, and where its data begin; checks that it is whole. */
function read_header(bytes) {
  if (bytes.length < 8) refuse('it is too short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const begin = 8 + view.getUint32(0, true) + view.getUint32(4, true) * 2**32;
  if (begin > bytes.length) refuse('it is no safetensors file, or it was cut short');
  let metadata, entries, size;
  try {
    ({__metadata__: metadata, ...entries} = JSON.parse(ascii(bytes.subarray(8, begin))));
    size = begin + Math.max(0, ...Object.values(entries).map(t => t.data_offsets[1]));
  } catch { refuse('its header is damaged'); }
  if (size !== bytes.length)
    refuse(`it holds ${bytes.length} bytes where its header promises ${size}`);
  return [metadata, entries, begin];
}

/** Tensors by name and the facts beside them. Throws InputError if they are not as written. */
export function read_tensors(buffer) {
  const bytes = new Uint8Array(buffer), [metadata, entries, begin] = read_header(bytes);
  let meta, facts;
  try {
    meta = JSON.parse(metadata.math_llm);
    facts = JSON.parse(meta.config);
  } catch { refuse('it was not written by math_llm, or its header is damaged'); }
  const tensors = {}, signed = [ascii_bytes(meta.config)];
  for (const name of Object.keys(entries).sort()) {
    const {dtype, shape, data_offsets: [from, to]} = entries[name];
    const values = shape.reduce((n, d) => n * d, 1);
    if (!DTYPES[dtype] || values * DTYPES[dtype][1] !== to - from) refuse(`its ${name} is damaged`);
    const data = bytes.subarray(begin + from, begin + to);
    const tuple = `(${shape.join(', ')}${shape.length === 1 ? ',' : ''})`;
    signed.push(ascii_bytes(name + tuple + DTYPES[dtype][0]), data);
    tensors[name] = {shape, data: numbers(data, dtype)};
  }
  if (sha256(signed) !== meta.digest) refuse('it is not as it was saved');
  return [tensors, facts];
}

/** SHA-256 (FIPS 180-4) of some bytes, one after the other, as hexadecimal digits. Browsers offer
    their own only to pages that come over https. */
function sha256(parts) {
  const n = parts.reduce((sum, part) => sum + part.length, 0);
  const bytes = new Uint8Array((n + 72 >> 6) * 64), view = new DataView(bytes.buffer);
  parts.reduce((at, part) => { bytes.set(part, at); return at + part.length; }, 0);
  bytes[n] = 0x80;
  view.setUint32(bytes.length - 8, n / 2**29);
  view.setUint32(bytes.length - 4, n * 8);

  const h = Uint32Array.from(primes(8), p => (Math.sqrt(p) % 1) * 2**32);
  const K = Uint32Array.from(primes(64), p => (Math.cbrt(p) % 1) * 2**32);
  const w = new Uint32Array(64), turn = (x, n) => x >>> n | x << 32 - n;
  for (let begin = 0; begin < bytes.length; begin += 64) {
    for (let t = 0; t < 16; t++) w[t] = view.getUint32(begin + 4*t);
    for (let t = 16; t < 64; t++) {
      const x = w[t-15], y = w[t-2];
      const low = turn(x, 7) ^ turn(x, 18) ^ x >>> 3, high = turn(y, 17) ^ turn(y, 19) ^ y >>> 10;
      w[t] = w[t-16] + low + w[t-7] + high;
    }
    let [a, b, c, d, e, f, g, i] = h;
    for (let t = 0; t < 64; t++) {
      const one = i + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + (e & f ^ ~e & g) + K[t] + w[t] | 0;
      const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + (a & b ^ a & c ^ b & c) | 0;
      i = g; g = f; f = e; e = d + one | 0; d = c; c = b; b = a; a = one + two | 0;
    }
    [a, b, c, d, e, f, g, i].forEach((x, t) => { h[t] += x; });
  }
  return Array.from(h, x => x.toString(16).padStart(8, '0')).join('');
}

function primes(n) {
  const found = [];
  for (let p = 2; found.length < n; p++) if (found.every(q => p % q)) found.push(p);
  return found;
}

// ---- model ----------------------------------------------------------------------------------

export const THOUGHT_TOKENS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, PLUS, EQUALS, NOOP];
const POSITIONS = ['rope', 'learned', 'sinusoidal', 'alibi', 'none'];
const CHAINS = ['columns', 'running', 'none', 'noop', 'invented'];

/** The tokens of an alphabet of thoughts, for example '01'; null: all of THOUGHT_TOKENS. */
export function thought_ids(alphabet = null) {
  if (alphabet === null) return THOUGHT_TOKENS;
  const ids = [...new Set(encode(alphabet))].sort((a, b) => a - b);
  if (ids.length < 2 || !ids.every(t => THOUGHT_TOKENS.includes(t)))
    throw new InputError(`the alphabet is '${alphabet}'; accepted are two or more thought tokens`);
  return ids;
}

/** The shape of every tensor of a configuration. Throws InputError if there is no such model. */
function shapes(c) {
  const {d_model: d, d_ff: f} = c;
  const sizes = [c.n_layers, d, c.n_heads, f, c.max_length];
  const whole = sizes.every(n => Number.isInteger(n) && n > 0);
  if (!whole || d % c.n_heads || (c.position === 'rope' && d / c.n_heads % 2) ||
      !POSITIONS.includes(c.position) || !['pre', 'post'].includes(c.norm) ||
      !['standard', 'plus-one'].includes(c.softmax)) refuse('its configuration is none');
  const found = {'embed.weight': [16, d], 'head.weight': [16, d]};
  if (c.position === 'learned') found['place.weight'] = [c.max_length, d];
  if (c.norm === 'pre') found['norm.weight'] = found['norm.bias'] = [d];
  for (let i = 0; i < c.n_layers; i++) {
    const block = {'norm1.weight': [d], 'norm1.bias': [d], 'norm2.weight': [d], 'norm2.bias': [d],
                   'attn.qkv.weight': [3*d, d], 'attn.out.weight': [d, d],
                   'mlp.up.weight': [f, d], 'mlp.down.weight': [d, f]};
    for (const k in block) found[`blocks.${i}.${k}`] = block[k];
  }
  return found;
}

/** A model from the bytes of its model.safetensors. Throws InputError with the reason if not. */
export function load_model(buffer) {
  const [tensors, facts] = read_tensors(buffer), text = shape => JSON.stringify(shape);
  const {format, model: config, vocab, ...meta} = facts ?? {};
  if (format !== 'math_llm' || !config) refuse('its configuration is none');
  if (text(vocab) !== text(VOCAB)) refuse('it has another vocabulary');
  const want = shapes(config), k = meta.thought_tokens ?? null;
  if (Object.keys(want).length !== Object.keys(tensors).length ||
      Object.keys(want).some(name => text(want[name]) !== text(tensors[name]?.shape)))
    refuse('its tensors do not have the shapes of its configuration');
  if (!CHAINS.includes(meta.chain)) refuse(`its chain is ${text(meta.chain)}`);
  if (k === null ? ['invented', 'noop'].includes(meta.chain) : !(Number.isInteger(k) && k > 0))
    refuse(`its thought_tokens is ${k}`);
  thought_ids(meta.thought_alphabet);
  return new Transformer(config, {trained_on: {}, ...meta}, tensors);
}

/** Keys and values of the tokens so far: a block's are (slots, d_model), heads side by side. */
export class KVCache {
  constructor(model) {
    const {n_layers, d_model, max_length} = model.config;
    const empty = () => new Float32Array(max_length * d_model);
    const slots = () => Array.from({length: n_layers}, empty);
    [this.n, this.capacity, this.keys, this.values] = [0, max_length, slots(), slots()];
  }
  /** Room for one more token; its position. */
  extend() {
    if (this.n >= this.capacity)
      throw new InputError(`more tokens than the context length of ${this.capacity}`);
    return this.n++;
  }
}

const unhooked = (name, value) => value;
const scoped = (hook, scope) =>
  hook === unhooked ? hook : (name, value, at) => hook(scope + name, value, at);

class Linear {
  constructor({shape, data}) { [this.weight, this.n, this.d] = [data, ...shape]; }
  forward(x) {
    const {weight: w, n, d} = this, out = new Float32Array(n);
    let i = 0;
    for (; d % 2 === 0 && i + 3 < n; i += 4) {       // four rows and two columns at a time: fast
      const p = i * d, q = p + d, r = q + d, s = r + d;
      let a = 0, b = 0, c = 0, e = 0;
      for (let j = 0; j < d; j += 2) {
        const u = x[j], v = x[j+1];
        a += w[p + j] * u + w[p + j + 1] * v;
        b += w[q + j] * u + w[q + j + 1] * v;
        c += w[r + j] * u + w[r + j + 1] * v;
        e += w[s + j] * u + w[s + j + 1] * v;
      }
      out[i] = a; out[i+1] = b; out[i+2] = c; out[i+3] = e;
    }
    for (; i < n; i++) for (let j = 0; j < d; j++) out[i] += w[i*d + j] * x[j];
    return out;
  }
}

class LayerNorm {
  constructor(weight, bias) { [this.weight, this.bias] = [weight.data, bias.data]; }
  forward(x) {
    let mean = 0, variance = 0;
    for (const v of x) mean += v / x.length;
    for (const v of x) variance += (v - mean) ** 2 / x.length;
    const scale = 1 / Math.sqrt(variance + 1e-5);
    return x.map((v, i) => (v - mean) * scale * this.weight[i] + this.bias[i]);
  }
}

const added = (x, y) => x.map((v, i) => v + y[i]);

/** The error function; relative error of its complement below 1.2e-7 (Numerical Recipes, erfc). */
const ERFC = [-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398,
              1.48851587, -0.82215223, 0.17087277];
function erf(x) {
  const t = 1 / (1 + Math.abs(x) / 2);
  let sum = 0;
  for (let i = ERFC.length - 1; i >= 0; i--) sum = sum * t + ERFC[i];
  const tail = t * Math.exp(sum - x*x);
  return x < 0 ? tail - 1 : 1 - tail;
}

const gelu = x => x.map(v => v * 0.5 * (1 + erf(v * Math.SQRT1_2)));

/** The angle of wave i of d/2, in 32 bits as in Python. */
const angle = (position, i, d) => Math.fround(position / Math.fround(10_000 ** (2*i / d)));

/** Rotate pairs in each head of x by the angles of a position: value i belongs to value i + d/2. */
function rotate(x, n_heads, position) {
  const d = x.length / n_heads, out = new Float32Array(x.length);
  for (let i = 0; i < d / 2; i++) {
    const cos = Math.cos(angle(position, i, d)), sin = Math.sin(angle(position, i, d));
    for (let a = i, b = i + d/2; a < x.length; a += d, b += d) {
      out[a] = x[a] * cos - x[b] * sin;
      out[b] = x[b] * cos + x[a] * sin;
    }
  }
  return out;
}

/** Waves of a position, sines then cosines, of wavelengths 2π to 10000·2π. */
function sinusoids(position, d) {
  const h = Math.ceil(d / 2), a = i => angle(position, i, d);
  return Float32Array.from({length: d}, (_, i) => i < h ? Math.sin(a(i)) : Math.cos(a(i - h)));
}

class Attention {
  constructor(c, get) {
    this.n_heads = c.n_heads;
    this.plus_one = c.softmax === 'plus-one';
    this.rope = c.position === 'rope';
    this.slopes = Array.from({length: c.n_heads}, (_, h) =>
      c.position === 'alibi' ? 2 ** (-8 * (h+1) / c.n_heads) : 0);
    [this.qkv, this.out] = [new Linear(get('qkv.weight')), new Linear(get('out.weight'))];
  }
  forward(x, position, keys, values, hook) {         // keys, values: the cache's slots
    const all = this.qkv.forward(x), d = x.length, dh = d / this.n_heads, s = position + 1;
    let [q, k, v] = [0, 1, 2].map(i => all.slice(i*d, (i+1)*d));
    if (this.rope) [q, k] = [q, k].map(x => rotate(x, this.n_heads, position));
    [q, k, v] = [hook('q', q, position), hook('k', k, position), hook('v', v, position)];
    keys.set(k, position * d);
    values.set(v, position * d);
    let weights = Array.from({length: this.n_heads}, (_, h) => this.look(h, q, keys, s, d, dh));
    weights = hook('weights', weights, position);    // (h, s); plus-one: (h, 1+s), nothing first
    const heads = new Float32Array(d), first = this.plus_one ? 1 : 0;
    for (let h = 0; h < this.n_heads; h++)
      for (let j = 0; j < s; j++) {
        const w = weights[h][j + first], from = j*d + h*dh;
        for (let i = 0; i < dh; i++) heads[h*dh + i] += w * values[from + i];
      }
    return hook('out', this.out.forward(hook('heads', heads, position)), position);
  }
  /** Where head h looks, among s slots. */
  look(h, q, keys, s, d, dh) {
    const scores = new Float32Array(s + this.plus_one), first = scores.length - s;
    for (let j = 0; j < s; j++) {
      let dot = 0;
      for (let i = h*dh; i < h*dh + dh; i++) dot += q[i] * keys[j*d + i];
      scores[j + first] = dot / Math.sqrt(dh) - this.slopes[h] * (s - 1 - j);
    }
    return softmax(scores);
  }
}

class MLP {
  constructor(get) {
    [this.up, this.down] = [new Linear(get('up.weight')), new Linear(get('down.weight'))];
  }
  forward(x, position, hook) {
    const hidden = hook('hidden', gelu(this.up.forward(x)), position);
    return hook('out', this.down.forward(hidden), position);
  }
}

class Block {
  constructor(c, get) {
    this.pre = c.norm === 'pre';
    const norm = name => new LayerNorm(get(`${name}.weight`), get(`${name}.bias`));
    [this.norm1, this.norm2] = [norm('norm1'), norm('norm2')];
    this.attn = new Attention(c, k => get(`attn.${k}`));
    this.mlp = new MLP(k => get(`mlp.${k}`));
  }
  forward(x, position, keys, values, hook) {
    const [attn, mlp] = ['attn.', 'mlp.'].map(scope => scoped(hook, scope));
    const before = (norm, x) => this.pre ? norm.forward(x) : x;
    const after = (norm, x) => this.pre ? x : norm.forward(x);
    const found = this.attn.forward(before(this.norm1, x), position, keys, values, attn);
    x = hook('resid_mid', after(this.norm1, added(x, found)), position);
    const more = this.mlp.forward(before(this.norm2, x), position, mlp);
    return hook('resid', after(this.norm2, added(x, more)), position);
  }
}

export class Transformer {
  constructor(config, meta, tensors) {
    const c = config;
    [this.config, this.meta] = [config, meta];
    const row = name => i => tensors[name].data.subarray(i * c.d_model, (i+1) * c.d_model);
    this.embed = row('embed.weight');
    if (c.position === 'learned') this.place = row('place.weight');
    if (c.position === 'sinusoidal') this.place = at => sinusoids(at, c.d_model);
    this.blocks = Array.from({length: c.n_layers}, (_, i) =>
      new Block(c, k => tensors[`blocks.${i}.${k}`]));
    this.norm = c.norm === 'post' ? {forward: x => x} :
      new LayerNorm(tensors['norm.weight'], tensors['norm.bias']);
    this.head = new Linear(tensors['head.weight']);
  }
  /** Read token ids; the logits of what follows each. hook(name, value, position) sees, and may
      replace, the value of every named site: embed, blocks.0.attn.weights, blocks.0.resid, … */
  forward(ids, cache = new KVCache(this), hook = unhooked) {
    const seen = hook === unhooked ? hook : (name, value, at) => hook(name, value, at) ?? value;
    return Array.from(ids, id => {
      const position = cache.extend(), token = this.embed(id);
      let h = seen('embed', this.place ? added(token, this.place(position)) : token, position);
      this.blocks.forEach((block, i) => {
        const scope = scoped(seen, `blocks.${i}.`);
        h = block.forward(h, position, cache.keys[i], cache.values[i], scope);
      });
      h = seen('final_norm', this.norm.forward(h), position);
      return seen('logits', this.head.forward(h), position);
    });
  }
  /** What a residual stream would answer, if it were the last one (logit lens). */
  logit_lens(resid) { return this.head.forward(this.norm.forward(resid)); }
}

// ---- decoding -------------------------------------------------------------------------------

export function softmax(scores) {
  const best = Math.max(...scores), out = scores.map(x => Math.exp(x - best));
  const sum = out.reduce((a, b) => a + b, 0);
  return out.map(x => x / sum);
}

/** The likeliest token; where two are equal, the first. */
export const argmax = values => values.reduce((best, x, i) => x > values[best] ? i : best, 0);

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function random_numbers(seed) {
  return () => {
    seed = seed + 0x6D2B79F5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 2**32;
  };
}

/** Logits, -Infinity for tokens that are not among those allowed; null: all are. */
export const masked = (logits, allowed) =>
  logits.map((x, t) => allowed?.includes(t) ?? true ? x : -Infinity);

/** Pick the next token. */
export function pick(logits, options = {}) {
  const {temperature = 0, top_k = null, random = Math.random} = options;
  if (temperature === 0) return argmax(logits);
  const least = [...logits].sort((a, b) => b - a)[Math.min(top_k || 16, 16) - 1];
  const chances = softmax(logits.map(x => x < least ? -Infinity : x / temperature));
  let left = random();
  const found = chances.findIndex(p => (left -= p) < 0);
  return found < 0 ? argmax(chances) : found;
}

/** The tokens allowed in each step of an invented chain that is left; one alone is given. */
function script(model, ids) {
  if (model.meta.chain !== 'invented' || ids.includes(END_THINK)) return [];
  const thought = thought_ids(model.meta.thought_alphabet), at = ids.indexOf(THINK);
  return [[THINK], ...Array(model.meta.thought_tokens).fill(thought), [END_THINK]]
    .slice(at < 0 ? 0 : ids.length - at);
}

/** Complete a prompt up to <end>, step by step: the token, its probability and all 16, the tokens
    allowed (null: all), whether it was given. forced: tokens by their place in the completion,
    taken whatever the model would say. Throws InputError if the prompt does not fit the context
    or is empty. */
export function* steps(model, prompt, options = {}) {
  const {max_new_tokens = Infinity, temperature, top_k, seed = null, forced = {}, hook} = options;
  const ids = encode(prompt), limit = model.config.max_length;
  if (!ids.length) throw new InputError('an empty prompt cannot be completed');
  if (ids.length >= limit)
    throw new InputError(`${ids.length} tokens leave no room in a context of ${limit}`);
  const plan = script(model, ids), cache = new KVCache(model);
  const random = seed === null ? Math.random : random_numbers(seed);
  const n = Math.min(max_new_tokens, limit - ids.length);
  let logits = model.forward(ids, cache, hook).at(-1);
  for (let i = 0; i < n; i++) {
    const allowed = plan[i] ?? null, given = allowed?.length === 1;
    const open = masked(logits, allowed), probs = softmax(open);
    const token = given ? allowed[0] : forced[i] ?? pick(open, {temperature, top_k, random});
    yield {token, prob: probs[token], probs, allowed, given, position: cache.n};
    if (token === END || i + 1 === n) return;
    logits = model.forward([token], cache, hook).at(-1);
  }
}

/** All steps of a completion, and its text. */
export function generate(model, prompt, options = {}) {
  const found = [...steps(model, prompt, options)];
  return {steps: found, tokens: found.map(s => s.token), text: decode(found.map(s => s.token))};
}
