import { readFileSync } from 'node:fs';
import { quantile } from '../../bench/rounds.ts';
import { DEFAULT_GUARDS } from '../../src/guards/defaults.ts';
import type { Source } from '../../src/guards/grounding.ts';
import { runGuards } from '../../src/guards/guard.ts';
import { redact, redactSecrets } from '../../src/guards/redact.ts';
import { cpuMs, readLines, sharedFolder } from './sharedData.ts';

/**
 * What guards and redaction add to a step, in milliseconds of processor time. A step is one recorded model call: the
 * customer's words before it, its answer where it goes out, and the results of its calls.
 */
export interface CostFigures {
  readonly steps: number;
  readonly msP50: number;
  readonly msP95: number;
  /** Of the steps that have such a part. */
  readonly messageMsP95: number;
  readonly resultMsP95: number;
  readonly answerMsP95: number;
}

interface Recording {
  readonly turns: readonly {
    readonly role: 'user' | 'assistant';
    readonly content: readonly { readonly type: string; readonly text?: string; readonly content?: string }[];
  }[];
}

const REQUESTER = { id: 'customer', tenant: null, roles: [] };
const nobody = async () => null;
/** Steps that were judged before any is counted: a worker has warmed up. */
const WARM_UP = 200;

/** Over the retail recordings; every result is taken for untrusted, the dearest case. Null where they are missing. */
export async function measureCost(): Promise<CostFigures | null> {
  const folder = sharedFolder('retail');
  if (folder === null) return null;
  const system = readFileSync(new URL('policy.md', folder), 'utf8');
  const steps: number[] = [];
  const parts = { message: [] as number[], result: [] as number[], answer: [] as number[] };
  let judged = 0;
  for (const { turns } of readLines<Recording>(new URL('recordings.train.jsonl', folder))) {
    const said: Source[] = [{ by: 'operator', text: system }];
    for (const [at, turn] of turns.entries()) {
      if (turn.role !== 'assistant') continue;
      const texts = (turns[at - 1]?.content ?? []).flatMap((block) => block.text ?? []);
      const results = (turns[at + 1]?.content ?? []).flatMap((block) => block.content ?? []);
      const text = turn.content.flatMap((block) => block.text ?? []).join('\n');
      const final = !turn.content.some((block) => block.type === 'tool_use') && text !== '';
      const before = turns[at - 1]?.content.flatMap((block) => block.content ?? []) ?? [];
      said.push(...texts.map((one) => ({ by: 'user', text: one }) as const));
      said.push(...before.map((one) => ({ by: 'tool', text: one }) as const));
      const message = await timed(async () => {
        for (const one of texts)
          await runGuards(DEFAULT_GUARDS.input, { text: one, requester: REQUESTER, ask: nobody });
      });
      const answer = await timed(async () => {
        if (!final) return void redact(text);
        await runGuards(DEFAULT_GUARDS.answer, { text, system, said, requester: REQUESTER, ask: nobody });
        redactSecrets(text);
      });
      const result = await timed(async () => {
        for (const one of results) {
          const subject = { text: redactSecrets(one).text, tool: 'read', requester: REQUESTER };
          await runGuards(DEFAULT_GUARDS.output, { ...subject, returns: 'untrusted', reads: 'private' });
        }
      });
      said.push({ by: 'assistant', text });
      if (++judged <= WARM_UP) continue;
      steps.push(message + answer + result);
      if (texts.length > 0) parts.message.push(message);
      if (results.length > 0) parts.result.push(result);
      if (final) parts.answer.push(answer);
    }
  }
  return {
    steps: steps.length,
    msP50: quantile(steps, 0.5),
    msP95: quantile(steps, 0.95),
    messageMsP95: quantile(parts.message, 0.95),
    resultMsP95: quantile(parts.result, 0.95),
    answerMsP95: quantile(parts.answer, 0.95),
  };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startMs = cpuMs();
  await work();
  return cpuMs() - startMs;
}
