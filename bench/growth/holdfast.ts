import type { Lab } from '../../test/e2e/lab.ts';
import { type Book, OPENING, readerOf } from './book.ts';
import type { Reader } from './reading.ts';

export const holdfast: Reader = {
  name: 'Holdfast',
  modelActivity: 'callModel',
  workflowsPath: new URL('../../src/workflows/index.ts', import.meta.url).pathname,
  open: async (lab: Lab, book: Book) => {
    await lab.startWorker([readerOf(book)]);
    return {
      start: async () => {
        const handle = await lab.start({
          agent: 'reader',
          message: OPENING,
          once: true,
          requester: { id: 'bench' },
        });
        return { workflowId: handle.workflowId, ended: handle.result().then(({ outcome }) => outcome) };
      },
      stop: () => lab.stopWorker(),
    };
  },
};
