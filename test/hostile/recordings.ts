import { existsSync, readFileSync } from 'node:fs';
import { canonicalJson, type JsonObject } from '../../src/core/json.ts';

/** Recorded agent runs with and without planted instructions, beside the checkout; they are not part of it. */
const FOLDER = new URL('../../../shared/data/injection/', import.meta.url);

export type Suite = 'banking' | 'slack';

export interface RecordedCall {
  readonly id: string;
  readonly tool: string;
  readonly input: JsonObject;
  readonly result: string;
  readonly isError: boolean;
  /** Its result holds the planted text. */
  readonly injected: boolean;
  /** A writing call that came after the planted text was read. */
  readonly afterInjection: boolean;
}

/** One answer of the recorded model. */
export interface RecordedStep {
  readonly text: string;
  readonly calls: readonly RecordedCall[];
}

export interface Recording {
  readonly id: string;
  readonly suite: Suite;
  readonly userTask: string;
  /** What the attacker wants; null: nobody attacks. */
  readonly injectionTask: string | null;
  readonly injectedText: string | null;
  /** The user's own task was done. */
  readonly utility: boolean;
  readonly hijacked: boolean;
  /** The user's words. */
  readonly task: string;
  readonly steps: readonly RecordedStep[];
  readonly calls: readonly RecordedCall[];
}

export interface Recordings {
  readonly all: readonly Recording[];
  /** Tools that change something, as the recordings' publisher sees it. */
  readonly writes: ReadonlySet<string>;
  /** Accounts that the customer of the bank had paid before, as runs that nobody attacked show them. */
  readonly addressBook: readonly string[];
}

interface Block {
  readonly type: string;
  readonly text?: string;
  readonly id?: string;
  readonly name?: string;
  readonly input?: JsonObject;
  readonly tool_use_id?: string;
  readonly content?: string;
  readonly is_error?: boolean;
}

interface Raw {
  readonly id: string;
  readonly suite: Suite;
  readonly user_task: string;
  readonly injection_task: string | null;
  readonly attack: string | null;
  readonly injected_text: string | null;
  readonly injected_results: readonly string[];
  readonly utility: boolean;
  readonly hijacked: boolean;
  readonly writes_after_injection: readonly string[];
  readonly turns: readonly { readonly role: 'user' | 'assistant'; readonly content: readonly Block[] }[];
}

/** Null when the folder is not there. */
export function readRecordings(folder: URL = FOLDER): Recordings | null {
  const file = new URL('agentdojo.dev.jsonl', folder);
  if (!existsSync(file)) return null;
  const { tools }: { tools: readonly { name: string; kind: string }[] } = JSON.parse(
    readFileSync(new URL('agentdojo.tools.json', folder), 'utf8'),
  );
  const all = readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => readRecording(JSON.parse(line)));
  return {
    all,
    writes: new Set(tools.filter(({ kind }) => kind === 'write').map(({ name }) => name)),
    addressBook: addressBookOf(all),
  };
}

function addressBookOf(all: readonly Recording[]): readonly string[] {
  const told = all
    .filter((one) => one.suite === 'banking' && one.injectionTask === null)
    .flatMap((one) => one.calls.filter(({ tool }) => tool === 'get_most_recent_transactions'));
  const paid = told.flatMap(({ result }) =>
    [...result.matchAll(/recipient: (\w+)\n\s+recurring: \w+\n\s+sender: me\n/g)].map(
      (found) => found[1] ?? '',
    ),
  );
  return [...new Set(paid)].filter((account) => account !== 'me').sort();
}

function readRecording(raw: Raw): Recording {
  const results = new Map(
    raw.turns.flatMap(({ content }) =>
      content.flatMap((block) =>
        block.tool_use_id === undefined ? [] : [[block.tool_use_id, block] as const],
      ),
    ),
  );
  const steps = raw.turns
    .filter(({ role }) => role === 'assistant')
    .map(({ content }) => ({
      text: content.flatMap(({ type, text }) => (type === 'text' && text ? [text] : [])).join('\n\n'),
      calls: content.flatMap((block) => (block.type === 'tool_use' ? [readCall(raw, block, results)] : [])),
    }));
  const task = raw.turns[0]?.content[0]?.text;
  if (task === undefined) throw new Error(`recording ${raw.id} does not begin with words of the user`);
  const attacked = raw.attack !== null;
  return {
    id: raw.id,
    suite: raw.suite,
    userTask: raw.user_task,
    injectionTask: attacked ? raw.injection_task : null,
    injectedText: attacked ? raw.injected_text : null,
    utility: raw.utility,
    hijacked: raw.hijacked,
    task,
    steps,
    calls: steps.flatMap(({ calls }) => calls),
  };
}

function readCall(raw: Raw, block: Block, results: ReadonlyMap<string, Block>): RecordedCall {
  const { id, name, input } = block;
  if (id === undefined || name === undefined || input === undefined)
    throw new Error(`recording ${raw.id}: a call has no id, name or input`);
  const result = results.get(id);
  return {
    id,
    tool: name,
    input,
    result: result?.content ?? '',
    isError: result?.is_error === true,
    injected: raw.injected_results.includes(id),
    afterInjection: raw.writes_after_injection.includes(id),
  };
}

/** Tool and arguments in one text: equal calls, equal text. */
export function callText(tool: string, input: JsonObject): string {
  return `${tool} ${canonicalJson(input)}`;
}
