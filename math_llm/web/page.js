// The frame of the live page: models come over the network, the state stands in the address.
import {InputError} from './engine.js';
import {start} from './app.js';

const root = document.getElementById('live'),
  base = new URL('../pretrained/', import.meta.url);

/** The bytes of a file, with progress; throws InputError if it is not there or breaks off. */
async function bytes_of(path, progress) {
  try {
    return await read(await fetch(new URL(path, base)), progress);
  } catch {
    throw new InputError(`${path} could not be fetched`);
  }
}

async function read(response, progress) {
  if (!response.ok) throw new Error(response.statusText);
  const total = Number(response.headers.get('content-length')),
    parts = [],
    reader = response.body.getReader();
  let n = 0;
  for (;;) {
    const {done, value} = await reader.read();
    if (done) break;
    parts.push(value);
    n += value.length;
    if (total >= n) progress?.(n / total);
  }
  const bytes = new Uint8Array(n);
  parts.reduce((at, part) => {
    bytes.set(part, at);
    return at + part.length;
  }, 0);
  return bytes;
}

if (root) {
  const models = JSON.parse(root.dataset.models);
  start(root, {
    models,
    only: root.dataset.only,
    address: !root.dataset.only,
    async fetch(name, progress) {
      const bytes = await bytes_of(`${name}/model.safetensors`, progress);
      const book = models.find(m => m.name === name).book
        ? await bytes_of(`${name}/codebook.json`)
        : null;
      let codebook = null;
      try {
        codebook = book && JSON.parse(new TextDecoder().decode(book));
      } catch {
        throw new InputError('its code book is damaged');
      }
      return {bytes: bytes.buffer, codebook};
    },
  });
}
