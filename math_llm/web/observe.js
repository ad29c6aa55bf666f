// A model runs on a prompt, and everything that is shown of it is kept; what it wrote is judged.
import {decode, steps} from './engine.js';
import {Columns, check_chain, plain} from './columns.js';
import {pause} from './dom.js';

const SHADES = [
  [0.99, 'sure'],
  [0.9, 'fair'],
  [0.7, 'doubt'],
  [0.5, 'weak'],
  [-1, 'guess'],
];
export const shade = p => SHADES.find(([least]) => p >= least)[1];

/** Run a model on a prompt; steps, the weights of every head at every position, and residual
    streams. */
export async function observe(model, prompt, options = {}, alive = () => true, each = null) {
  const looked = [],
    found = [],
    begin = performance.now();
  let last = begin;
  const hook = (name, value, at) => {
    const block = /^blocks\.(\d+)\.attn\.weights$/.exec(name);
    if (block) (looked[at] ??= [])[Number(block[1])] = value.map(w => Float32Array.from(w));
    return options.hook?.(name, value, at);
  };
  for (const step of steps(model, prompt, {...options, hook})) {
    found.push(step);
    each?.(step, found);
    if (performance.now() - last > 12) {
      await pause();
      if (!alive()) return null;
      last = performance.now();
    }
  }
  return {
    steps: found,
    looked,
    ms: performance.now() - begin,
    text: decode(found.map(s => s.token)),
  };
}

/** A completion taken apart: lines of tokens with a verdict, the answer, and what is right. */
export function judge(model, operands, text) {
  const [, chain = null, answer] = /^(?:<think>(.*?)<\/think>)?(\d+)<end>$/.exec(text) ?? [];
  const truth = new Columns(operands).answer,
    right = answer !== undefined && plain(answer) === truth;
  const checked =
    chain !== null && model.meta.chain === 'columns' ? check_chain(operands, chain) : [];
  return {chain, answer: answer === undefined ? null : plain(answer), truth, right, checked};
}
