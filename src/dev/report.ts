import { formatMicroUsd } from '../core/money.ts';
import type { ScriptedConversation } from './conversations.ts';
import type { Kill } from './kill.ts';
import type { Patience } from './patience.ts';
import type { Talk } from './play.ts';
import type { Check } from './proof.ts';
import { grouped, type Screen, seconds } from './screen.ts';

/** What the demo found out about one conversation. */
export interface Played {
  readonly conversation: ScriptedConversation;
  readonly talk: Talk;
  readonly checks: readonly Check[];
  readonly kill: Kill | null;
  readonly patience: Patience | null;
  /** Null where no Temporal UI of ours runs. */
  readonly url: string | null;
}

export function isRight({ checks }: Played): boolean {
  return checks.length > 0 && checks.every(({ holds }) => holds);
}

/** The end of one conversation on the screen. */
export function showPlayed(screen: Screen, played: Played): void {
  const { green, red, dim, bold, cyan } = screen.colors;
  const { talk, checks, url } = played;
  screen.line();
  for (const { what, holds, found } of checks)
    screen.line(`  ${holds ? green('✓') : red('✗')} ${what} ${dim(`(${found})`)}`);
  const facts = [
    `${talk.steps} steps`,
    `${grouped(talk.tokens)} tokens`,
    formatMicroUsd(talk.result.costMicroUsd),
    seconds(talk.durationMs),
  ];
  screen.line(`  ${bold(talk.result.outcome)} (${talk.result.reason}) · ${facts.join(' · ')}`);
  screen.line(`  ${url === null ? `workflow ${talk.workflowId}` : cyan(url)}`);
}

/** All conversations side by side, and where to look at them. */
export function showSummary(screen: Screen, all: readonly Played[], about: { readonly free: boolean }): void {
  const { bold, dim, green, red, cyan } = screen.colors;
  const rows = all.map(({ conversation, talk }) => [
    conversation.title,
    talk.result.outcome,
    String(talk.steps),
    grouped(talk.tokens),
    formatMicroUsd(talk.result.costMicroUsd),
    seconds(talk.durationMs),
  ]);
  const head = ['conversation', 'outcome', 'steps', 'tokens', 'cost', 'time'];
  const widths = head.map((name, i) => Math.max(name.length, ...rows.map((row) => (row[i] ?? '').length)));
  const format = (row: readonly string[]) =>
    row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  ');
  screen.line();
  screen.line(`    ${dim(format(head))}`);
  all.forEach((played, i) => {
    screen.line(`  ${isRight(played) ? green('✓') : red('✗')} ${bold(format(rows[i] ?? []))}`);
  });
  if (about.free)
    screen.line(`    ${dim('Cost is what these tokens have as a list price; the scripted model is free.')}`);
  screen.line();
  for (const { url, talk } of all)
    screen.line(`  ${url === null ? `workflow ${talk.workflowId}` : cyan(url)}`);
}

/** One conversation of the document that `--json` prints. */
export function jsonOf(played: Played): object {
  const { conversation, talk, checks, kill, patience, url } = played;
  const { run, outcome, reason, usage, costMicroUsd } = talk.result;
  return {
    id: conversation.script.id,
    title: conversation.title,
    ok: isRight(played),
    workflowId: talk.workflowId,
    run,
    order: conversation.order,
    outcome,
    reason,
    answer: talk.answer,
    steps: talk.steps,
    tokens: talk.tokens,
    usage,
    costMicroUsd,
    durationMs: Math.round(talk.durationMs),
    url,
    decisions: talk.decisions,
    checks,
    ...(kill !== null && {
      kill: { killedPid: kill.killedPid, newPid: kill.newPid, leaseMs: kill.leaseMs, before: kill.before },
    }),
    ...(patience !== null && { patience }),
  };
}
