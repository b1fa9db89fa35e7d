import { existsSync, readFileSync } from 'node:fs';
import type { Source } from '../../src/guards/grounding.ts';

const FOLDER = new URL('../../../shared/data/', import.meta.url);

/** Recorded conversations beside the checkout; they are not part of it. */
export const RECORDINGS = {
  retail: { file: 'retail/recordings.train.jsonl', prompt: 'retail/policy.md' },
  banksAndChats: { file: 'injection/agentdojo.dev.jsonl', prompt: 'injection/system.txt' },
} as const;

/** A text that ended a turn of a recorded conversation, and everything that stood before it. */
export interface RecordedAnswer {
  readonly recording: string;
  readonly text: string;
  readonly sources: readonly Source[];
}

interface RawRecording {
  readonly id: string;
  readonly turns: readonly {
    readonly role: 'user' | 'assistant';
    readonly stop_reason?: string;
    readonly content: readonly { readonly type: string; readonly text?: string; readonly content?: string }[];
  }[];
}

export interface RecordedAnswers {
  readonly prompt: string;
  readonly answers: readonly RecordedAnswer[];
}

/** Null when the recordings are not there. */
export function readAnswers(name: keyof typeof RECORDINGS, folder: URL = FOLDER): RecordedAnswers | null {
  const file = new URL(RECORDINGS[name].file, folder);
  if (!existsSync(file)) return null;
  const prompt = readFileSync(new URL(RECORDINGS[name].prompt, folder), 'utf8');
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return { prompt, answers: lines.flatMap((line) => answersOf(JSON.parse(line), prompt)) };
}

function answersOf({ id, turns }: RawRecording, prompt: string): readonly RecordedAnswer[] {
  const sources: Source[] = [{ by: 'operator', text: prompt }];
  const answers: RecordedAnswer[] = [];
  for (const [at, turn] of turns.entries()) {
    const text = turn.content.flatMap((block) => block.text ?? []).join('\n');
    if (turn.role === 'assistant') {
      const ends = turn.stop_reason === 'end_turn' || at === turns.length - 1;
      if (ends && text !== '') answers.push({ recording: id, text, sources: [...sources] });
      if (text !== '') sources.push({ by: 'assistant', text });
      continue;
    }
    for (const block of turn.content) {
      if (block.text !== undefined) sources.push({ by: 'user', text: block.text });
      else if (block.content !== undefined) sources.push({ by: 'tool', text: block.content });
    }
  }
  return answers;
}
