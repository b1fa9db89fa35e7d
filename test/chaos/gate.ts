import { Context } from '@temporalio/activity';
import type { FromWorker, Point, ToWorker, Word } from './points.ts';

// The worker's side of a point: the attempt says where it is and goes on when the test says so.

const waiting = new Map<number, (word: Word) => void>();
let asked = 0;

process.on('message', ({ id, word }: ToWorker) => {
  waiting.get(id)?.(word);
  waiting.delete(id);
});
// A test that is gone leaves no worker behind.
process.once('disconnect', () => process.exit(1));

/** Resolves when the test lets this attempt go on. */
export function arrive(point: Point): Promise<Word> {
  const id = asked++;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    const workflowId = Context.current().info.workflowExecution?.workflowId ?? '';
    tell({ kind: 'at', id, workflowId, point });
  });
}

export function tell(message: FromWorker): void {
  process.send?.(message);
}
