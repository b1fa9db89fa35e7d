import { homedir, hostname } from 'node:os';
import { resolve } from 'node:path';
import { type History, historyToJSON } from '@temporalio/common/lib/proto-utils.js';

// What a recording must not say: on which machine, by whom and out of which folder it was made.

const ROOT = resolve(import.meta.dirname, '../..');

/** Members that differ between recordings and that no replay reads. */
const DROPPED = ['requestId', 'taskId', 'workerVersion', 'binaryChecksum', 'stackTrace'];

/** A history as JSON, an event a line. Throws when something of this machine is left in it. */
export function neutralText(name: string, history: History, private_: readonly string[]): string {
  const { events } = JSON.parse(historyToJSON(history)) as { readonly events: readonly unknown[] };
  const lines = events.map((event) => JSON.stringify(neutral('', event)));
  const text = `{"events":[\n${lines.join(',\n')}\n]}\n`;
  const left = leakIn(text, private_);
  if (left !== null)
    throw new Error(
      `history ${name} would tell of this machine: ${left}; teach test/replay/neutral.ts to leave it out`,
    );
  return text;
}

function neutral(key: string, value: unknown): unknown {
  if (key === 'identity') return 'worker';
  if (Array.isArray(value)) return value.map((one) => neutral('', one));
  if (typeof value !== 'object' || value === null) return value;
  if (key === 'taskQueue') return { ...value, ...queueNames(value) };
  return Object.fromEntries(
    Object.entries(value)
      .filter(([member]) => !DROPPED.includes(member))
      .map(([member, inner]) => [member, neutral(member, inner)]),
  );
}

function queueNames(queue: object): object {
  return 'normalName' in queue ? { name: 'sticky', normalName: 'holdfast' } : { name: 'holdfast' };
}

/** What of this machine, or of the words given, stands in the text or in one of its payloads. */
export function leakIn(text: string, private_: readonly string[]): string | null {
  const decoded = [...text.matchAll(/"data":"([A-Za-z0-9+/=]+)"/g)].map((match) =>
    Buffer.from(match[1] ?? '', 'base64').toString(),
  );
  const everything = [text, ...decoded].join('\n');
  const own = [hostname(), homedir(), ROOT, `${process.pid}@`, 'file://', 'node_modules', ...private_];
  return own.find((word) => word.length > 1 && everything.includes(word)) ?? null;
}
