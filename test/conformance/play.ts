import { readFileSync } from 'node:fs';
import { copyShop, exportShop, importShop } from '../../src/agents/support/copies.ts';
import { agent as support } from '../../src/agents/support/index.ts';
import { addUsage, NO_USAGE, type Usage } from '../../src/core/messages.ts';
import { costMicroUsd } from '../../src/models/prices.ts';
import { type Conversation, conversationFromRecording } from '../../src/models/scripted/conversation.ts';
import { firstBrokenRow, readAudit } from '../../src/store/audit.ts';
import { loadChain } from '../../src/store/chain.ts';
import { databaseOf } from '../../src/store/database.ts';
import type { Agent } from '../../src/tools/agent.ts';
import type { ToolResult } from '../../src/tools/result.ts';
import {
  approvalsQuery,
  closeSignal,
  decideSignal,
  type Reply,
  type RunResult,
  sendUpdate,
} from '../../src/workflows/messages.ts';
import type { Handle, Lab } from '../e2e/lab.ts';
import { expectedApprovals } from './oracle.ts';
import { hashOf, type Recording, type RetailData, sameResult } from './retailData.ts';
import { printed } from './supportAgent.ts';

/** A recording with what the player needs besides its calls. */
export interface PlayableRecording extends Recording {
  readonly conversation: Conversation;
  readonly userTexts: readonly string[];
  readonly usages: readonly Usage[];
  readonly transferred: boolean;
}

export interface Played {
  readonly id: string;
  readonly problems: readonly string[];
  readonly calls: number;
  readonly approvals: number;
  readonly costMicroUsd: number;
}

interface RawTurn {
  readonly role: 'user' | 'assistant';
  readonly content: readonly { readonly type: string; readonly text?: string; readonly name?: string }[];
  readonly usage?: { readonly input_tokens: number; readonly output_tokens: number };
}

export function playable(
  data: RetailData,
  folder = new URL('../../../shared/data/retail/', import.meta.url),
): readonly PlayableRecording[] {
  const lines = readFileSync(new URL('recordings.train.jsonl', folder), 'utf8').split('\n').filter(Boolean);
  return lines.map((line, i) => {
    const raw: { turns: readonly RawTurn[] } = JSON.parse(line);
    const recording = data.recordings[i];
    if (recording === undefined) throw new Error(`recording ${i} is missing`);
    return {
      ...recording,
      conversation: conversationFromRecording(JSON.parse(line)),
      userTexts: raw.turns.flatMap((turn) =>
        turn.role === 'user'
          ? turn.content.flatMap((block) => (block.type === 'text' ? [block.text ?? ''] : []))
          : [],
      ),
      usages: raw.turns.flatMap((turn) =>
        turn.usage
          ? [{ ...NO_USAGE, inputTokens: turn.usage.input_tokens, outputTokens: turn.usage.output_tokens }]
          : [],
      ),
      transferred: raw.turns.some((turn) =>
        turn.content.some((block) => block.name === 'transfer_to_human_agents'),
      ),
    };
  });
}

/** What each tool answered before it was rendered, by run: the recordings are compared with that. */
export type DomainResults = Map<string, { readonly tool: string; readonly result: ToolResult }[]>;

/** The support agent with room for the longest recording, its tools noting what they answer. */
export function recordedSupportAgent(results: DomainResults): Agent {
  const tools = [...support.tools].map(([name, tool]) => {
    const run: typeof tool.run = async (input, context) => {
      const result = await tool.run(input, context);
      const shop = context.requester.tenant ?? '';
      results.set(`${shop} ${context.key}`, [
        ...(results.get(`${shop} ${context.key}`) ?? []),
        { tool: name, result },
      ]);
      return result;
    };
    return [name, { ...tool, run }] as const;
  });
  const limits = {
    ...support.release.limits,
    iterationsPerTurn: 100,
    toolCallsPerTurn: 100,
    activeMsPerTurn: 3_600_000,
    tokensPerRun: 10_000_000,
    costMicroUsdPerRun: 100_000_000,
  };
  // The recorded agent did not always ask who it speaks to, and its answers are taken as they are: what the step filter
  // and the guards would have said to them is measured by itself (test/guards).
  const guards = { input: [], output: [], answer: [] };
  const release = { ...support.release, limits, guards, phases: [] };
  return { ...support, tools: new Map(tools), guards, release };
}

/** Puts the untouched shop where every recording can copy it. */
export async function prepareShop(lab: Lab, data: RetailData): Promise<void> {
  await importShop(databaseOf(lab.sql), 'untouched', data.shop);
}

/** Plays one recording from its first message to its end, with approvals granted by signal, and checks everything. */
export async function play(
  lab: Lab,
  data: RetailData,
  recording: PlayableRecording,
  results: DomainResults,
): Promise<Played> {
  const problems: string[] = [];
  const database = databaseOf(lab.sql);
  await copyShop(database, 'untouched', recording.id);
  const handle = await lab.start({
    agent: 'support',
    requester: { id: `customer-${recording.id}`, tenant: recording.id },
  });
  for (const [i, text] of recording.userTexts.entries()) {
    const reply = await say(handle, text, `m${i}`);
    if (reply.kind !== 'answered') {
      problems.push(`message ${i}: the reply is ${JSON.stringify(reply).slice(0, 500)}`);
      break;
    }
  }
  if (!recording.transferred || problems.length > 0) await handle.signal(closeSignal, { by: 'conformance' });
  const result = await handle.result();
  problems.push(...(await check(lab, data, recording, results, result)));
  return {
    id: recording.id,
    problems,
    calls: recording.calls.length,
    approvals: expectedApprovals(data.shop, recording.calls).length,
    costMicroUsd: result.costMicroUsd,
  };
}

async function say(handle: Handle, text: string, id: string): Promise<Reply> {
  for (let tries = 0; tries < 50; tries++) {
    const reply = await handle.executeUpdate(sendUpdate, {
      args: [{ text, by: 'customer', id }],
      updateId: `${id}-${tries}`,
    });
    if (reply.kind !== 'waiting') return reply;
    for (const record of await handle.query(approvalsQuery))
      await handle.signal(decideSignal, {
        approval: record.id,
        kind: 'approve',
        by: 'approver',
        channel: 'conformance',
      });
  }
  throw new Error(`message ${id} is still waiting after 50 rounds of approvals`);
}

async function check(
  lab: Lab,
  data: RetailData,
  recording: PlayableRecording,
  results: DomainResults,
  result: RunResult,
): Promise<readonly string[]> {
  const problems: string[] = [];
  const expect = (what: string, holds: boolean, found: unknown = '') => {
    if (!holds)
      problems.push(`${what} ${typeof found === 'string' ? found : JSON.stringify(found)}`.slice(0, 600));
  };
  const { run } = result;

  const wanted = recording.transferred ? 'escalated' : 'completed';
  expect(
    `outcome is ${result.outcome} (${result.reason}), not ${wanted}`,
    result.outcome === wanted,
    result.answer ?? '',
  );

  const chain = await loadChain(lab.sql, run as never, await headOf(lab, run));
  const used = chain
    .flatMap((node) => node.message.content)
    .filter((block) => block.type === 'tool_use') as readonly { id: string }[];
  const answered = chain
    .flatMap((node) => node.message.content)
    .filter((block) => block.type === 'tool_result') as readonly { tool_use_id: string }[];
  expect(
    'V3: every call has exactly one result',
    used.every((call) => answered.filter((one) => one.tool_use_id === call.id).length === 1) &&
      used.length === answered.length,
  );

  const mine = [...results]
    .filter(([key]) => key.startsWith(`${recording.id} `))
    .sort(([a], [b]) => byKey(a, b));
  expect(
    `${mine.length} calls ran, ${recording.calls.length} were recorded`,
    mine.length === recording.calls.length,
  );
  expect(
    'V1: a call ran more than once',
    mine.every(([, ran]) => ran.length === 1),
  );
  recording.calls.forEach((call, i) => {
    const ran = mine[i]?.[1][0];
    if (ran === undefined) return;
    const { content, isError } = printed(ran.result);
    expect(`call ${i}: ${ran.tool} instead of ${call.tool}`, ran.tool === call.tool);
    expect(`call ${i} (${call.tool}): is_error is ${isError}`, isError === call.isError);
    expect(`call ${i} (${call.tool}): another result:`, sameResult(content, call.content), content);
  });

  const hash = hashOf(await exportShop(databaseOf(lab.sql), recording.id));
  expect(`the final shop has hash ${hash}, recorded is ${recording.finalHash}`, hash === recording.finalHash);

  const asked = await lab.sql<{ tool: string; args_hash: string; body: string; state: string }[]>`
    select a.tool, a.args_hash, b.body, a.state from holdfast.approvals a join holdfast.blobs b on b.run = a.run and b.hash = a.args_hash
    where a.run = ${run} order by split_part(a.key, '/', 2)::int, split_part(a.key, '/', 3)::int`;
  const expected = expectedApprovals(data.shop, recording.calls);
  expect(
    'approvals asked are not those expected:',
    asked.length === expected.length &&
      asked.every(
        (one, i) =>
          one.tool === expected[i]?.tool &&
          sameResult(one.body, JSON.stringify(expected[i]?.input)) &&
          one.state === 'approved',
      ),
    { asked: asked.map((one) => one.tool), expected: expected.map((one) => one.tool) },
  );

  const usage = recording.usages.reduce(addUsage, NO_USAGE);
  const cost = recording.usages.reduce(
    (sum, one) => sum + costMicroUsd(lab.config.models.standard[0] ?? '', one, new Date()),
    0,
  );
  expect(`cost is ${result.costMicroUsd}, the sum of usage is ${cost}`, result.costMicroUsd === cost);
  expect(
    'usage is not the sum of the recorded usage:',
    JSON.stringify(result.usage) === JSON.stringify(usage),
    result.usage,
  );

  expect('V8: the audit chain is broken at row', firstBrokenRow(run, await readAudit(lab.sql, run)) === null);
  const [effects] = await lab.sql<{ applied: number; others: number }[]>`
    select count(*) filter (where state = 'applied')::int as applied, count(*) filter (where state not in ('applied', 'refused'))::int as others
    from holdfast.effects where run = ${run}`;
  const writes = recording.calls.filter((call) => WRITES.has(call.tool));
  expect(
    `${effects?.applied} effects are applied, ${writes.filter((call) => !call.isError).length} writes succeeded`,
    effects?.applied === writes.filter((call) => !call.isError).length,
  );
  expect('effects are left open', effects?.others === 0);
  return problems;
}

const WRITES = new Set(
  [...support.tools.values()].filter((tool) => tool.labels.replay !== 'pure').map((tool) => tool.labels.name),
);

async function headOf(lab: Lab, run: string) {
  const [row] = await lab.sql<{ hash: string; seq: number }[]>`
    select n.hash, n.seq from holdfast.runs r join holdfast.nodes n on n.run = r.run and n.hash = r.head where r.run = ${run}`;
  return row === undefined ? null : { seq: row.seq, node: row.hash as never };
}

/** Calls in order: by step, then by place in the step. */
function byKey(a: string, b: string): number {
  const [, stepA = 0, placeA = 0] = a.split('/').map(Number);
  const [, stepB = 0, placeB = 0] = b.split('/').map(Number);
  return stepA - stepB || placeA - placeB;
}
