import { type HoldfastClient, HoldfastError, type Reply, type SendOrStartInput } from '../client.ts';
import { LIMITS } from '../core/limits.ts';
import { parkedAs } from '../core/runPhases.ts';
import type { Sql } from '../store/connection.ts';
import { type ApprovalRow, findRun, lastAnswer, listApprovals, type RunRow } from '../store/views.ts';

/** A line of the customer, under an id of its own: sent again it counts once. */
export interface Line {
  readonly id: string;
  readonly text: string;
}

/** What became of a line; `line` is null for what was going on before the chat. */
export type Happening =
  | { readonly kind: 'reply'; readonly line: Line | null; readonly reply: Reply }
  /** Nobody answered in time. The line is in the run's history and counts. */
  | { readonly kind: 'late'; readonly line: Line }
  /** The run has ended. `untold`: the line came after that, and nobody has read it. */
  | { readonly kind: 'over'; readonly untold: Line | null }
  | { readonly kind: 'refused'; readonly line: Line; readonly error: HoldfastError }
  | { readonly kind: 'failed'; readonly error: unknown };

export interface FollowerOptions {
  readonly holdfast: HoldfastClient;
  readonly sql: Sql;
  readonly workflowId: string;
  readonly by: string;
  /** How to start the run with the first line; null where it is there. */
  readonly start: SendOrStartInput['start'] | null;
  /** How long to wait for a reply. */
  readonly timeoutMs: number;
  readonly tell: (happening: Happening) => void;
}

/** Replies that say that nobody has read the line yet, or that its answer is still to come. */
const TRANSIENT = new Set(['timed_out', 'busy', 'unreachable']);

/**
 * Sends lines and follows what becomes of them, one after the other in their order, so that each gets its own answer.
 *
 * F1. A line that is written while an earlier one is still followed is left with the run at once: it may take a question
 *     back, and must not wait for its answer.
 * F2. A parked run costs it nothing: the store is looked at, and the run is asked again when its rows have moved.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #queue: (Line | null)[] = [];
  #start: SendOrStartInput['start'] | null;
  #running = false;
  readonly #stop = new AbortController();
  #work: Promise<void> = Promise.resolve();
  #wake: (() => void) | null = null;
  /** Moved since nobody slept: the next sleep is none. */
  #moved = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#start = options.start;
  }

  /** Something was said that has no answer yet. */
  get busy(): boolean {
    return this.#queue.length > 0;
  }

  /** Sends a line. Throws only when it could not be left with the run. */
  async add(line: Line): Promise<void> {
    if (this.busy) await this.#post(line);
    this.#queue.push(line);
    // Whoever waited for people looks again: a line takes their question back.
    this.poke();
    this.#run();
  }

  async #post(line: Line): Promise<void> {
    try {
      await this.#options.holdfast.post(this.#input(line));
    } catch (error) {
      // The first line is about to start the run; this one is sent after it.
      const starting = this.#start !== null && error instanceof HoldfastError && error.code === 'not_found';
      if (!starting) throw error;
    }
  }

  /** Follows what the run is at, without a line of this chat. */
  takeUp(): void {
    this.#queue.push(null);
    this.#run();
  }

  /** Something was decided: look again now. */
  poke(): void {
    this.#moved = true;
    this.#wake?.();
  }

  /** Nothing is under way once this has resolved: a connection that is closed under a call fails loudly. */
  async stop(): Promise<void> {
    this.#stop.abort();
    this.#wake?.();
    await this.#work;
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  #run(): void {
    if (this.#running) return;
    this.#running = true;
    this.#work = this.#followAll()
      .catch((error: unknown) => this.#tell({ kind: 'failed', error }))
      .finally(() => {
        this.#running = false;
      });
  }

  async #followAll(): Promise<void> {
    for (let next = this.#queue[0]; next !== undefined && !this.#stopped; next = this.#queue[0]) {
      const last = await (next === null ? this.#followRun() : this.#followLine(next));
      this.#queue.shift();
      if (last !== null) this.#tell(last);
      if (last?.kind === 'over') return;
    }
  }

  #tell(happening: Happening): void {
    if (!this.#stopped) this.#options.tell(happening);
  }

  /** Until the line has its answer, which is returned. */
  async #followLine(line: Line): Promise<Happening | null> {
    let sleepMs: number = LIMITS.chatPollMs;
    let failures = 0;
    let said = '';
    for (let round = 0; !this.#stopped; round++) {
      this.#moved = false;
      let reply: Reply;
      try {
        reply = await this.#ask(line, round);
        failures = 0;
      } catch (error) {
        if (this.#stopped) return null;
        if (!(error instanceof HoldfastError)) throw error;
        if (error.code === 'ended') return { kind: 'over', untold: round === 0 ? line : null };
        if (error.code === 'bad_message') return { kind: 'refused', line, error };
        if (!TRANSIENT.has(error.code) || ++failures > LIMITS.chatTries) throw error;
        if (error.code === 'timed_out') await this.#leave(line);
        else await this.#sleep(LIMITS.chatPollMaxMs);
        continue;
      }
      if (reply.kind === 'ended') return { kind: 'over', untold: null };
      if (reply.kind === 'answered') return { kind: 'reply', line, reply };
      if (reply.kind !== 'moved') {
        const what = JSON.stringify([reply.kind, idsOf(reply)]);
        if (what !== said) sleepMs = LIMITS.chatPollMs;
        said = what;
        this.#tell({ kind: 'reply', line, reply });
        // Whoever went on by writing has left the landed turn behind.
        if (reply.kind === 'landed' && this.#queue.length > 1) return null;
        sleepMs = await this.#untilMoved(idsOf(reply), sleepMs);
        if (reply.kind === 'landed' && this.#queue.length > 1) return null;
      }
    }
    return null;
  }

  async #ask(line: Line, round: number): Promise<Reply> {
    const { holdfast, timeoutMs } = this.#options;
    const input = this.#input(line);
    const { signal } = this.#stop;
    if (this.#start === null) return holdfast.send(input, { timeoutMs, round, signal });
    // A repeated line must not begin a second run after the first one has ended.
    const reply = await holdfast.sendOrStart(
      { ...input, start: this.#start },
      { timeoutMs, signal, whenEnded: 'refuse' },
    );
    this.#start = null;
    return reply;
  }

  /** An update that no worker took is not durable; the signal is. */
  async #leave(line: Line): Promise<void> {
    const { holdfast, workflowId } = this.#options;
    if (this.#start !== null) await holdfast.start(this.#start, { workflowId, whenRunning: 'use' });
    this.#start = null;
    await holdfast.post(this.#input(line));
    this.#tell({ kind: 'late', line });
  }

  #input(line: Line) {
    const { workflowId, by } = this.#options;
    return { workflowId, by, id: line.id, text: line.text };
  }

  /** What the run is at, from its rows: until it is idle or over. */
  async #followRun(): Promise<Happening | null> {
    const { sql, workflowId } = this.#options;
    let sleepMs: number = LIMITS.chatPollMs;
    let said = '';
    while (!this.#stopped) {
      this.#moved = false;
      const standing = await readStanding(sql, workflowId);
      if (standing === null || standing.run.state === 'ended') return { kind: 'over', untold: null };
      const { run, open } = standing;
      const reply = replyOf(standing);
      if (run.state === 'idle') {
        const text = await lastAnswer(sql, run.run);
        return {
          kind: 'reply',
          line: null,
          reply: { ...reply, kind: 'answered', ...(text !== null && { text }) },
        };
      }
      const what = JSON.stringify([run.state, open.map(({ id }) => id)]);
      if (isParked(standing) && what !== said) this.#tell({ kind: 'reply', line: null, reply });
      if (what !== said) sleepMs = LIMITS.chatPollMs;
      said = what;
      if (this.#queue.length > 1) return null;
      await this.#sleep(sleepMs);
      sleepMs = longer(sleepMs);
    }
    return null;
  }

  /**
   * Until the rows of the run differ from what it said last, somebody pokes, or it is time to ask it anyway. Returns
   * how long to sleep next time.
   */
  async #untilMoved(open: readonly string[], sleepMs: number): Promise<number> {
    const { sql, workflowId } = this.#options;
    const askAtMs = performance.now() + LIMITS.chatAskAgainMs;
    let ms = sleepMs;
    while (!this.#stopped && performance.now() < askAtMs) {
      const poked = await this.#sleep(ms);
      ms = longer(ms);
      if (poked) return LIMITS.chatPollMs;
      // A store that is away for a moment says nothing; the run is asked again in time.
      const standing = await readStanding(sql, workflowId).catch(() => null);
      if (standing === null) continue;
      if (parkedAs(standing.run.state) === null || !isSame(standing.open, open)) return ms;
    }
    return ms;
  }

  /** True when it was woken early. */
  async #sleep(ms: number): Promise<boolean> {
    if (this.#moved || this.#stopped) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => done(false), ms);
      const done = (early: boolean) => {
        clearTimeout(timer);
        this.#wake = null;
        resolve(early);
      };
      this.#wake = () => done(true);
    });
  }
}

export interface Standing {
  readonly run: RunRow;
  readonly open: readonly ApprovalRow[];
}

/** How the newest run of a conversation stands in the store; null before its first model call. */
export async function readStanding(sql: Sql, workflowId: string): Promise<Standing | null> {
  const found = await findRun(sql, workflowId);
  if (found === null) return null;
  const { row: run } = found;
  return { run, open: await listApprovals(sql, { run: run.run, all: false, limit: LIMITS.openApprovals }) };
}

/** Decided, and not gone on yet, is not parked. */
function isParked({ run, open }: Standing): boolean {
  const parked = parkedAs(run.state);
  return parked !== null && (open.length > 0 || !parked.asks);
}

function replyOf({ run, open }: Standing): Reply {
  return {
    kind: run.state === 'landed' ? 'landed' : 'waiting',
    messageId: '',
    approvals: open.map((one) => ({
      id: one.id,
      kind: one.kind,
      summary: one.summary,
      deadlineMs: Date.parse(one.deadline),
      argsHash: one.argsHash,
      of: one.requesterMay === 'only' ? 'requester' : 'people',
    })),
  };
}

function idsOf(reply: Reply): readonly string[] {
  return (reply.approvals ?? []).map(({ id }) => id);
}

function isSame(rows: readonly ApprovalRow[], ids: readonly string[]): boolean {
  return rows.length === ids.length && rows.every(({ id }) => ids.includes(id));
}

function longer(ms: number): number {
  return Math.min(ms * 2, LIMITS.chatPollMaxMs);
}
