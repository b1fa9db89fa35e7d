import { withdraw } from '../core/approvals.ts';
import { isBreaker } from '../core/breakers.ts';
import { isRunLimit } from '../core/budget.ts';
import { type ControlName, type Envelope, maySteer, parseEnvelope, type Speaker } from '../core/control.ts';
import { isObject } from '../core/json.ts';
import { LIMITS } from '../core/limits.ts';
import { wellFormed } from '../core/text.ts';
import { replace } from './approvals.ts';
import { note, patch, patchCall, patchTurn, type Run, showCard, takeOver } from './context.ts';

// What a steering signal does, once it is known who sent it. Nothing here waits.

/** A steering signal whose shape and limits hold. */
export interface ParsedSteering extends Envelope {
  readonly channel: string;
  readonly reason: string;
  /** `raiseLimit` only. */
  readonly tokens: number;
  readonly costMicroUsd: number;
}

export function parseSteering(input: unknown): ParsedSteering | null {
  const envelope = parseEnvelope(input);
  if (envelope === null || !isObject(input)) return null;
  const { reason = '', tokens = 0, costMicroUsd = 0 } = input;
  if (typeof reason !== 'string' || reason.length > LIMITS.reasonChars) return null;
  if (!isRaise(tokens) || !isRaise(costMicroUsd)) return null;
  return { ...envelope, reason: wellFormed(reason), tokens, costMicroUsd };
}

function isRaise(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= LIMITS.raiseMax;
}

export function actOn(
  run: Run,
  name: Exclude<ControlName, 'decide'>,
  said: ParsedSteering,
  speaker: Speaker,
): void {
  const { by, channel, reason } = said;
  const facts = { by, channel, reason, identity: speaker.identity };
  if (!maySteer(name, by, run.state.requester.id, speaker)) {
    note(run, 'refused', { ...facts, signal: name, why: 'not_an_operator' });
    return;
  }
  switch (name) {
    case 'pause':
      if (run.state.paused === null)
        patch(run, { paused: { by, reason, sinceMs: Date.now(), record: null } });
      break;
    case 'resume':
      endPause(run);
      break;
    case 'retry':
      run.live.retry = true;
      tryHeldAgain(run);
      break;
    case 'close':
      patch(run, { closing: true });
      break;
    case 'handOver':
      takeOver(run, { summary: reason || 'asked for by an operator', evidence: `asked for by ${by}` });
      break;
    case 'upgrade':
      run.live.upgrade = true;
      break;
    case 'cancel':
      run.live.cancelled = { by, reason };
      run.live.cancel();
      break;
    case 'raiseLimit':
      raiseLimit(run, said);
      break;
    default:
      name satisfies never;
  }
  run.live.dirty = true;
  note(run, `steer_${name}`, {
    ...facts,
    ...(name === 'raiseLimit' && { tokens: said.tokens, costMicroUsd: said.costMicroUsd }),
  });
  showCard(run);
}

export function endPause(run: Run): void {
  const record = run.state.paused?.record;
  if (record?.state.kind === 'open') replace(run, withdraw(record, Date.now()));
  // A pause is no idle time: whoever goes on has all of it before them.
  patch(run, { paused: null, idleDeadlineMs: null });
}

/**
 * What a breaker holds looks again, and no sooner than that: the signal needs no key, so a flood of it must cost nothing.
 */
export function lookAgain(run: Run): void {
  run.live.lookAgain = true;
  run.live.dirty = true;
  run.state.turn?.step?.calls.forEach((call, i) => {
    const { held } = call;
    if (call.outcome !== null || held === null || held.againAtMs === null || !isBreaker(held.name)) return;
    const soonestMs = Math.max(Date.now(), held.lookedAtMs + LIMITS.lookAgainMs);
    const againAtMs = Math.min(held.againAtMs, soonestMs);
    patchCall(run, i, { held: { ...held, againAtMs } });
  });
}

/** What a kill switch or a breaker holds may look again at once; in the state, so that a move to a new execution keeps it. */
function tryHeldAgain(run: Run): void {
  run.state.turn?.step?.calls.forEach((call, i) => {
    if (call.outcome === null && call.held !== null)
      patchCall(run, i, { held: { ...call.held, againAtMs: null } });
  });
}

/** More of what was used up lets a landed turn go on. */
function raiseLimit(run: Run, { tokens, costMicroUsd }: ParsedSteering): void {
  patch(run, {
    extraTokens: run.state.extraTokens + tokens,
    extraCostMicroUsd: run.state.extraCostMicroUsd + costMicroUsd,
  });
  const landing = run.state.turn?.landing ?? null;
  if (landing === null || !isRunLimit(landing.reason)) return;
  if ((landing.reason === 'tokens' && tokens > 0) || (landing.reason === 'cost' && costMicroUsd > 0))
    patchTurn(run, { landing: { ...landing, raised: true } });
}
