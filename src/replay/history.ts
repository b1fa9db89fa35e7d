import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type History, historyFromJSON } from '@temporalio/common/lib/proto-utils.js';

/** What one execution of a workflow did, event by event, and a name for it that people can find it by. */
export interface NamedHistory {
  readonly name: string;
  readonly workflowId: string;
  readonly history: History;
}

export type HistoryEvent = NonNullable<History['events']>[number];

export function eventsOf(history: History): readonly HistoryEvent[] {
  return history.events ?? [];
}

/** Reads every `*.json` of a folder and its subfolders, in the order of their names. */
export async function readHistories(folder: string): Promise<readonly NamedHistory[]> {
  const names = await readdir(folder, { recursive: true });
  const files = names.filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    files.map(async (file) => parseHistory(file.slice(0, -5), await readFile(join(folder, file), 'utf8'))),
  );
}

/** The protobuf JSON of a history, as `historyToJSON` of the SDK and the Temporal command line write it. */
export function parseHistory(name: string, text: string): NamedHistory {
  try {
    const history = historyFromJSON(JSON.parse(text));
    const [first] = eventsOf(history);
    return { name, history, workflowId: first?.workflowExecutionStartedEventAttributes?.workflowId ?? name };
  } catch (error) {
    throw new Error(
      `history ${name} cannot be read (${error instanceof Error ? error.message : error}): record it again with "npm run replay -- --record"`,
      { cause: error },
    );
  }
}

/** Whether a replay of it could find anything. */
export type Fitness = 'fit' | 'nothing_done' | 'without_flags';

/**
 * Which rules of the SDK held when a workflow task was completed is in its event, as flags. A replay without them checks
 * far less: a changed activity passes. So a history that lost them is not evidence of anything.
 */
export function fitnessOf(history: History): Fitness {
  const tasks = eventsOf(history).flatMap((event) => event.workflowTaskCompletedEventAttributes ?? []);
  if (tasks.length === 0) return 'nothing_done';
  const flagged = tasks.some(({ sdkMetadata }) => (sdkMetadata?.coreUsedFlags ?? []).length > 0);
  return flagged ? 'fit' : 'without_flags';
}
