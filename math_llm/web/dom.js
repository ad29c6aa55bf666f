// Small things that all views use. Text is never read as HTML.

export const capital = text => text.charAt(0).toUpperCase() + text.slice(1);
/** A share in percent; it is cut, as in Python, so that none is rounded up. */
export const percent = p => {
  if (p > 0.9999) return '> 99.99 %';
  if (p < 0.0001) return '< 0.01 %';
  const places = p < 0.1 || p > 0.99 ? 2 : 1,
    unit = 10 ** places;
  return `${(Math.floor(100 * p * unit + 1e-6) / unit).toFixed(places)} %`;
};
export const shown = token =>
  ({'<noop>': '∅', '<think>': 'think', '</think>': '/think', '<end>': 'end'})[token] ?? token;
export const group = text => text.replace(/\B(?=(\d{3})+$)/g, '\u202f');
export const still = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
export const pause = () => new Promise(done => requestAnimationFrame(done));

/** An element. Children are nodes or text; text is never read as HTML. */
export function el(tag, attributes = {}, ...children) {
  const [name, space] = tag.startsWith('svg:')
    ? [tag.slice(4), 'http://www.w3.org/2000/svg']
    : [tag, 'http://www.w3.org/1999/xhtml'];
  const node = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === 'on') for (const type in value) node.addEventListener(type, value[type]);
    else if (value === true) node.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined)
      node.setAttribute(key, value);
  }
  node.append(...children.filter(c => c !== null && c !== undefined && c !== false));
  return node;
}

export const superscript = k => [...String(k)].map(d => '⁰¹²³⁴⁵⁶⁷⁸⁹'[d]).join('');

let groups = 0;
/** A row of choices, one of which is taken. */
export function radios(label, options, value, choose) {
  const name = `live-radio-${groups++}`;
  return el(
    'fieldset',
    {class: 'radios'},
    el('legend', {}, label),
    ...options.map(([key, text]) =>
      el(
        'label',
        {},
        el('input', {
          type: 'radio',
          name,
          value: key,
          checked: key === value,
          on: {
            change: () => {
              choose(key);
              [...document.querySelectorAll('.live .radios')]
                .find(f => f.firstChild.textContent === label && f.offsetParent)
                ?.querySelector('input:checked')
                ?.focus();
            },
          },
        }),
        el('span', {}, text),
      ),
    ),
  );
}

/** A form that stays on its page: what it does when it is sent, and what stands in it. */
export function ask_form(send, ...parts) {
  const submit = e => {
    e.preventDefault();
    send();
  };
  return el('form', {class: 'ask', on: {submit}}, ...parts);
}

/** A form with a sum and a model: what was typed goes into the state. */
export function sum_form(app, tab, button, more = []) {
  const input = el('input', {
    type: 'text',
    inputmode: 'tel',
    autocomplete: 'off',
    spellcheck: 'false',
    size: 30,
    'aria-describedby': app.id(`hint-${tab}`),
  });
  const select = el(
    'select',
    {on: {change: () => app.set({model: select.value, thoughts: null, token: null, at: null})}},
    ...app.models(tab).map(m => el('option', {value: m.name}, `${m.name}: ${about(m)}`)),
  );
  const form = ask_form(
    () => app.set({sum: input.value.replace(/\s/g, ''), thoughts: null, token: null, at: null}),
    el('label', {class: 'wide'}, 'Sum ', input),
    el('label', {}, 'Model ', select),
    el('button', {type: 'submit', class: 'main'}, button),
    ...more,
    el('p', {class: 'hint', id: app.id(`hint-${tab}`)}, ''),
  );
  return {
    form,
    update() {
      const name = app.model_name(tab),
        m = app.models(tab).find(m => m.name === name);
      select.value = name;
      input.value = app.state.sum;
      form.querySelector('.hint').textContent =
        (m.max_digits
          ? `${m.max_operands > 2 ? `2 to ${m.max_operands}` : 'Two'} numbers of up to ${m.max_digits} digits. `
          : '') +
        `The model has ${(m.bytes / 1e6).toFixed(1)} MB and runs in this browser.`;
    },
  };
}

const about = m =>
  m.chain === 'invented'
    ? `${m.thought_tokens} thoughts it invented`
    : {
        columns: 'a chain it was taught',
        running: 'a chain it was taught',
        noop: 'empty thoughts',
        none: 'no thoughts',
      }[m.chain];
