import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import type { ShopData } from '../../src/agents/support/entities.ts';
import { canonicalJson, isObject, type JsonObject } from '../../src/core/json.ts';

/** Recorded conversations of another shop, beside the checkout; they are not part of it. */
const FOLDER = new URL('../../../shared/data/retail/', import.meta.url);

/** Hash of the shop before any conversation, as its publisher states it. */
export const UNTOUCHED = '622d5a519463ff0737601805ac7048013e7edbb31eefd8e7ede420544e950df9';

export interface RecordedCall {
  readonly tool: string;
  readonly input: JsonObject;
  readonly content: string;
  readonly isError: boolean;
}

export interface Recording {
  readonly id: string;
  readonly calls: readonly RecordedCall[];
  readonly finalHash: string;
}

export interface RetailData {
  readonly shop: ShopData;
  readonly recordings: readonly Recording[];
}

/** Null when the folder is not there. */
export function readRetailData(folder: URL = FOLDER): RetailData | null {
  const recordings = new URL('recordings.train.jsonl', folder);
  if (!existsSync(recordings)) return null;
  const lines = readFileSync(recordings, 'utf8').split('\n').filter(Boolean);
  return {
    shop: JSON.parse(readFileSync(new URL('db.json', folder), 'utf8')),
    recordings: lines.map((line) => readRecording(JSON.parse(line))),
  };
}

interface Block {
  readonly type: string;
  readonly id?: string;
  readonly name?: string;
  readonly input?: JsonObject;
  readonly tool_use_id?: string;
  readonly content?: string;
  readonly is_error?: boolean;
}

interface RawRecording {
  readonly id: string;
  readonly final_db_sha256: string;
  readonly turns: readonly { readonly content: readonly Block[] }[];
}

function readRecording(raw: RawRecording): Recording {
  const blocks = raw.turns.flatMap((turn) => turn.content);
  const calls = blocks.flatMap((block): RecordedCall[] => {
    if (block.type !== 'tool_use') return [];
    const result = blocks.find(({ tool_use_id }) => tool_use_id === block.id);
    if (!block.name || !block.input || result?.content === undefined)
      throw new Error(`recording ${raw.id}: call ${block.id} has no name, input or result`);
    return [
      {
        tool: block.name,
        input: block.input,
        content: result.content,
        isError: result.is_error === true,
      },
    ];
  });
  return { id: raw.id, calls, finalHash: raw.final_db_sha256 };
}

/** Canonical JSON without the members that are null: an unset field and an absent one are the same. */
export function canonicalForm(value: unknown): string {
  return canonicalJson(dropNulls(value));
}

function dropNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropNulls);
  if (!isObject(value)) return value;
  const members = Object.entries(value).filter(([, member]) => member !== null);
  return Object.fromEntries(members.map(([key, member]) => [key, dropNulls(member)]));
}

export function hashOf(data: ShopData): string {
  return createHash('sha256').update(canonicalForm(data), 'utf8').digest('hex');
}

/** Results are compared by meaning where both are JSON, and as texts otherwise. */
export function sameResult(one: string, other: string): boolean {
  try {
    return canonicalForm(JSON.parse(one)) === canonicalForm(JSON.parse(other));
  } catch {
    return one === other;
  }
}
