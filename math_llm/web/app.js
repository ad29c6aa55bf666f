// The frame of the live page and of the widget: state, address, models, tabs, words for screen
// readers.
import {InputError, load_model} from './engine.js';
import {Codebook} from './columns.js';
import {capital, el} from './dom.js';
import {add_view} from './add.js';
import {think_view} from './think.js';
import {swapped, wrong_carry} from './thinking.js';
import {look_view} from './look.js';
import {ball_view, jump} from './ball.js';

const VIEWS = {
  add: ['Add', add_view, m => !m.puzzle],
  think: ['Think for it', think_view, m => m.chain === 'invented' && !m.puzzle],
  look: ['Look inside', look_view, m => !m.puzzle],
  ball: ['Follow the ball', ball_view, m => m.puzzle],
};

/** What is asked when nothing else is said. */
const FIRST = {tab: 'think', sum: '23456789+34567891', other: '87654321+99999999'};
const KEYS = [
  'tab',
  'model',
  'sum',
  'other',
  'thoughts',
  'onward',
  'token',
  'block',
  'head',
  'layer',
  'at',
  'ball',
  'told',
];
/** What a reader types stays as it is, even if it is nothing. */
const TYPED = ['sum', 'other', 'ball'];

/** Build the page in `root`. source: {models: what there is, fetch(name, progress): a model's
    bytes and
    its code book's JSON or null, address: keep the state in the page's address?, only: one view}. */
export function start(root, source) {
  const app = new App(root, source);
  app.begin();
  return app;
}

let apps = 0;

class App {
  constructor(root, source) {
    Object.assign(this, {root, source, loaded: {}, experiments: [], views: {}, run: 0, n: apps++});
    this.state = {...FIRST};
  }
  begin() {
    const {only} = this.source,
      tabs = Object.keys(VIEWS).filter(t => this.models(t).length && (!only || only === t));
    this.names = tabs;
    this.status = el('p', {class: 'status', role: 'status', 'aria-live': 'polite'});
    this.error = el('p', {class: 'error', role: 'alert'});
    this.progress = el('progress', {
      class: 'progress',
      hidden: true,
      max: 1,
      'aria-label': 'Loading the model',
    });
    this.tabs = tabs.map(t =>
      el(
        'button',
        {
          type: 'button',
          role: 'tab',
          id: this.id(`tab-${t}`),
          'aria-controls': this.id(`panel-${t}`),
          on: {click: () => this.set({tab: t}), keydown: e => this.step_tab(e, tabs, t)},
        },
        VIEWS[t][0],
      ),
    );
    this.panels = tabs.map(t =>
      el('div', {
        role: 'tabpanel',
        id: this.id(`panel-${t}`),
        'aria-labelledby': this.id(`tab-${t}`),
        hidden: true,
      }),
    );
    this.root.replaceChildren(
      this.experiment_buttons(),
      el(
        'div',
        {class: 'tabs', role: 'tablist', 'aria-label': 'What to do', hidden: tabs.length < 2},
        ...this.tabs,
      ),
      this.progress,
      this.error,
      ...this.panels,
      el('div', {class: 'unseen'}, this.status),
    );
    if (!tabs.length) return this.fail(new InputError('no model is here to run'));
    if (this.source.address) {
      window.addEventListener('hashchange', () => {
        // a link to a section of the page is no state
        if (location.hash !== this.written && location.hash.includes('=')) this.read_address();
      });
      if (location.hash.includes('=')) return this.read_address();
    }
    this.set({tab: tabs.includes(FIRST.tab) ? FIRST.tab : tabs[0]});
  }
  id(name) {
    return `live-${this.n}-${name}`;
  }
  step_tab(event, tabs, tab) {
    const by = {
      ArrowRight: 1,
      ArrowLeft: -1,
      Home: -tabs.indexOf(tab),
      End: tabs.length - 1 - tabs.indexOf(tab),
    }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const next = (tabs.indexOf(tab) + by + tabs.length) % tabs.length;
    this.tabs[next].focus();
    this.set({tab: tabs[next]});
  }

  /** The models that a tab can use. */
  models(tab) {
    return this.source.models.filter(VIEWS[tab][2]);
  }
  /** The model that is meant: the one in the state, if the tab can use it. */
  model_name(tab = this.state.tab) {
    const names = this.models(tab).map(m => m.name);
    return names.includes(this.state.model) ? this.state.model : this.best_model(tab, names);
  }
  best_model(tab, names) {
    const usual = tab === 'add' ? 'taught' : names.find(n => n === 'invented_pairs')
      ?? names.find(n => n.startsWith('invented'));
    return names.includes(usual) ? usual : names[0];
  }
  /** A model and its code book (null: it has none), fetched when first asked for. */
  load(name) {
    this.loaded[name] ??= this.fetch(name).catch(e => {
      delete this.loaded[name];
      throw e;
    });
    return this.loaded[name];
  }
  async fetch(name) {
    this.progress.hidden = false;
    this.progress.removeAttribute('value');
    try {
      const {bytes, codebook} = await this.source.fetch(name, share => {
        this.progress.value = share;
      });
      const model = load_model(bytes),
        {chain, trained_on} = model.meta,
        listed = this.source.models.find(m => m.name === name);
      if (chain !== listed.chain || (trained_on?.puzzle !== undefined) !== listed.puzzle)
        throw new InputError('these are the weights of another model');
      return {name, model, book: codebook ? new Codebook(codebook) : null};
    } catch (e) {
      throw e instanceof InputError
        ? new InputError(`the model "${name}" cannot be used: ${e.message}`)
        : e;
    } finally {
      this.progress.hidden = true;
    }
  }

  /** Change the state, show it, and write it into the address. */
  set(changes, from_address = false) {
    this.from_address = from_address;
    Object.assign(this.state, changes);
    for (const key in this.state)
      if (this.state[key] === null || (this.state[key] === '' && !TYPED.includes(key)))
        delete this.state[key];
    if (!this.names.includes(this.state.tab)) this.state.tab = this.names[0];
    this.write_address();
    return this.show();
  }
  async show() {
    const {tab} = this.state,
      run = ++this.run;
    this.names.forEach((t, i) => {
      this.tabs[i].setAttribute('aria-selected', String(t === tab));
      this.tabs[i].tabIndex = t === tab ? 0 : -1;
      this.panels[i].hidden = t !== tab;
    });
    this.views[tab] ??= VIEWS[tab][1](this, this.panels[this.names.indexOf(tab)]);
    const alive = () => run === this.run;
    await this.guard(async () => {
      this.views[tab].before?.();
      const loaded = await this.load(this.model_name());
      if (alive()) await this.views[tab].show(loaded, alive);
    }, alive);
  }
  /** Do something; a mistake is one line on the page, unless something else is shown by then. */
  async guard(action, alive = () => true) {
    this.error.textContent = '';
    try {
      await action();
    } catch (e) {
      if (alive()) this.fail(e);
    }
  }
  fail(e) {
    const mine = e instanceof InputError;
    this.error.textContent = mine ? capital(e.message) : `Something went wrong: ${e.message}`;
    if (!mine) console.error(e);
  }
  /** Say in words what changed. */
  say(text) {
    this.status.textContent = text;
  }

  write_address() {
    if (!this.source.address) return;
    const found = new URLSearchParams();
    for (const key of KEYS) if (this.state[key] !== undefined) found.set(key, this.state[key]);
    this.written = `#${found}`;
    history.replaceState(null, '', this.written);
  }
  read_address() {
    const found = new URLSearchParams(location.hash.slice(1));
    this.state = {...FIRST};
    for (const key of KEYS) if (found.has(key)) this.state[key] = found.get(key).slice(0, 400);
    this.set({}, true);
  }
  whole(key, most, usual = 0) {
    // a whole number of the state
    const n = Number(this.state[key] ?? usual);
    return Number.isInteger(n) && n >= 0 && n <= most ? n : usual;
  }

  /** Remember what a reader tried. */
  record(experiment) {
    this.experiments.push(experiment);
    this.source.recorded?.(experiment);
  }

  experiment_buttons() {
    const thinks = this.names.includes('think'),
      adds = this.names.includes('add') && this.models('add').some(m => m.name === 'taught');
    const think_with = async change =>
      this.set({tab: 'think', ...change(await this.load(this.model_name('think')))});
    const offers = [
      thinks && [
        'Make it carry wrongly',
        'One thought is rewritten so that it tells another carry. Does the answer follow?',
        () => think_with(wrong_carry),
      ],
      thinks && [
        'Swap its thoughts',
        'It answers one sum with its thoughts about another.',
        () => think_with(swapped),
      ],
      this.names.includes('ball') && [
        'Make the ball jump',
        'One thought is rewritten so that it tells another place. Where does the ball end?',
        async () => this.set({tab: 'ball', ...jump(await this.load(this.model_name('ball')))}),
      ],
      adds && [
        'A nine-digit carry',
        'One carry runs through eight columns and makes a ninth digit.',
        () => this.set({tab: 'add', model: 'taught', sum: '99999999+1', token: null}),
      ],
    ].filter(Boolean);
    return el(
      'ul',
      {class: 'experiments', 'aria-label': 'Prepared experiments'},
      ...offers.map(([title, line, action]) =>
        el(
          'li',
          {},
          el(
            'button',
            {type: 'button', on: {click: () => this.guard(action)}},
            el('strong', {}, title),
            el('span', {}, line),
          ),
        ),
      ),
    );
  }
}
