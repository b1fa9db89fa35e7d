import type { Conversed, Order, Told } from './messages.ts';
import { pageText } from './work.ts';

/** One durable way to hold a conversation. Both resolve, with one word, when it has ended. */
export interface Program {
  begin(conversation: string): Promise<string>;
  /** What a process that died had begun. */
  resume(conversation: string): Promise<string>;
}

/** When each page of a conversation was read. */
const read = new Map<string, number[]>();

/** The tool of the measured conversations. */
export function readPage(input: { readonly conversation: string; readonly page: number }): string {
  read.get(input.conversation)?.push(performance.now());
  return JSON.stringify({ page: input.page, text: pageText(input.page) });
}

/** The tool with an effect. In a process that is to be killed it never says that it is done. */
export async function pay(input: {
  readonly conversation: string;
  readonly service: string;
  /** The same for every attempt: derived from the conversation, as the documentation of all of them advises. */
  readonly key: string;
}): Promise<string> {
  await fetch(`${process.env.PAYMENTS_URL}/${input.service}`, {
    method: 'POST',
    headers: { 'idempotency-key': input.key },
  });
  tell({ kind: 'acted', conversation: input.conversation, key: input.key });
  if (process.env.HOLD === 'on') await new Promise(() => undefined);
  return 'paid';
}

/** Carries out orders until the benchmark lets go. */
export function serve(program: Program): void {
  // A benchmark that is gone leaves nothing behind.
  process.once('disconnect', () => process.exit(0));
  process.on('message', ({ id, order }: Order) => {
    carryOut(program, order).then(
      (done) => tell({ kind: 'done', id, ...done }),
      (error: unknown) => tell({ kind: 'failed', id, why: wordsOf(error) }),
    );
  });
  tell({ kind: 'ready' });
}

async function carryOut(
  program: Program,
  order: Order['order'],
): Promise<{ readonly conversed: Conversed | null; readonly ended: string }> {
  switch (order.kind) {
    case 'converse':
      return { conversed: await converse(program, order.lanes), ended: 'completed' };
    case 'begin':
      // It is about to be killed: nobody waits for its end.
      program.begin(order.conversation).catch(() => undefined);
      return { conversed: null, ended: 'begun' };
    case 'resume':
      return { conversed: null, ended: await program.resume(order.conversation) };
    default:
      return order satisfies never;
  }
}

async function converse(program: Program, lanes: readonly (readonly string[])[]): Promise<Conversed> {
  const turnsMs: number[] = [];
  const startedAtMs = performance.now();
  await Promise.all(
    lanes.map(async (lane) => {
      for (const conversation of lane) {
        const times = [performance.now()];
        read.set(conversation, times);
        const ended = await program.begin(conversation);
        read.delete(conversation);
        if (ended !== 'completed') throw new Error(`the conversation ended as "${ended}"`);
        turnsMs.push(...times.slice(1).map((time, i) => time - (times[i] ?? time)));
      }
    }),
  );
  return { ms: performance.now() - startedAtMs, turnsMs };
}

function tell(message: Told): void {
  // A benchmark that has just gone hears nothing any more.
  process.send?.(message, undefined, undefined, () => undefined);
}

function wordsOf(error: unknown): string {
  const words: string[] = [];
  for (let at = error; at instanceof Error && words.length < 4; at = at.cause) words.push(at.message);
  return (words.join(': ') || String(error)).slice(0, 500);
}
