// The frame of the notebook widget (anywidget): weights come from Python, experiments go back.
import {start} from './app.js';

export default {
  render({model, el: cell}) {
    const root = document.createElement('div');
    root.className = 'live';
    cell.append(root);
    start(root, {
      models: [model.get('facts')],
      address: false,
      async fetch() {
        const {buffer, byteOffset, byteLength} = model.get('weights');
        return {
          bytes: buffer.slice(byteOffset, byteOffset + byteLength),
          codebook: model.get('codebook'),
        };
      },
      recorded(experiment) {
        model.set('tried', [...model.get('tried'), experiment]);
        model.save_changes();
      },
    });
  },
};
