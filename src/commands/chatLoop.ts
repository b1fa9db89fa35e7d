import { type Decision, type HoldfastClient, HoldfastError, type Reply } from '../client.ts';
import { LIMITS } from '../core/limits.ts';
import { parkedAs } from '../core/runPhases.ts';
import { Interrupted } from '../dev/interrupt.ts';
import type { Sql } from '../store/connection.ts';
import { type ApprovalRow, lastAnswer } from '../store/views.ts';
import { deliver, refuseEarly } from './approvals.ts';
import { asked, type ChatEvent, eventText } from './chatEvents.ts';
import { type Follower, type Happening, readStanding } from './chatFollow.ts';
import { Requests } from './chatRequests.ts';
import { type ChatCommand, readSaid, readTyped, readYesNo, type Word } from './chatWords.ts';
import { CommandError, EXIT_CODES } from './failures.ts';
import type { Terminal } from './terminal.ts';

export interface ChatOptions {
  readonly terminal: Terminal;
  readonly holdfast: HoldfastClient;
  readonly sql: Sql;
  readonly workflowId: string;
  readonly as: string;
  readonly approveAs: string | null;
  /** A person sits there: prompts, and lines may come at any time. Else each line waits for what is before it. */
  readonly interactive: boolean;
  readonly timeoutMs: number;
  /** Null at the end of the input. */
  readonly nextLine: () => Promise<string | null>;
  readonly newId: () => string;
  readonly interrupted: AbortSignal;
  readonly follower: (tell: (happening: Happening) => void) => Follower;
  /** The run is there already. */
  readonly resumed: boolean;
}

type Next =
  | Happening
  | { readonly kind: 'line'; readonly text: string | null }
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'no_answer' }
  | { readonly kind: 'long' };

const PROMPT = 'you> ';
const TICK_MS = 250;
/** How long `/status` waits for a worker; without one the store answers alone. */
const STATUS_MS = 3_000;

/** One conversation on the terminal, until it is left, ends, or nobody answers. */
export class Chat {
  readonly #options: ChatOptions;
  readonly #follower: Follower;
  readonly #happenings: Happening[] = [];
  #ring: (() => void) | null = null;
  #line: Promise<Next> | null = null;
  #inputEnded = false;
  #started: boolean;
  readonly #requests: Requests;
  #parked: string | null = null;
  #landed = false;
  /** What was answered last, and whether another line was open then that the same turn may have answered. */
  #lastText: string | null = null;
  #moreOpen = false;
  /** The newest line: what was open when an older one was asked about is taken back by it. */
  #newest: string | null = null;
  #waitingSinceMs = performance.now();

  constructor(options: ChatOptions) {
    this.#options = options;
    this.#requests = new Requests(options);
    this.#started = options.resumed;
    this.#follower = options.follower((happening) => {
      this.#happenings.push(happening);
      this.#ring?.();
    });
  }

  /** Follows what the run is at already. */
  takeUp(): void {
    this.#follower.takeUp();
  }

  /** Returns the exit code. */
  async talk(): Promise<number> {
    const overAtMs = performance.now() + LIMITS.chatMs;
    try {
      for (;;) {
        const code = await this.#take(await this.#next(overAtMs));
        if (code !== null) return code;
      }
    } finally {
      this.#options.terminal.progress('');
      await this.#follower.stop();
    }
  }

  async #next(overAtMs: number): Promise<Next> {
    const { interactive, timeoutMs, interrupted } = this.#options;
    const first = this.#happenings.shift();
    if (first !== undefined) return first;
    if (interrupted.aborted) return { kind: 'interrupted' };
    const wantsLine = !this.#inputEnded && (interactive || this.#isMyTurn());
    if (!wantsLine && !this.#follower.busy) return { kind: 'line', text: null };
    // Whoever reads from a file has no more words, and nobody else may answer a question to the customer.
    if (this.#inputEnded && this.#requests.question() !== null) return { kind: 'no_answer' };
    const stop = new AbortController();
    const after = (ms: number, next: Next) => timer(ms, stop.signal).then(() => next);
    const happened = new Promise<null>((resolve) => {
      this.#ring = () => resolve(null);
    });
    if (wantsLine) this.#line ??= this.#options.nextLine().then((text) => ({ kind: 'line', text }) as const);
    const ticking = this.#showWork();
    try {
      const next = await Promise.race<Next | null>([
        happened,
        ...(wantsLine && this.#line !== null ? [this.#line] : []),
        aborted(interrupted, stop.signal),
        after(overAtMs - performance.now(), { kind: 'long' }),
        // While the run works the follower counts the time, and leaves the message with the run before it gives up.
        ...(interactive || wantsLine || !this.#isParked()
          ? []
          : [after(this.#waitingSinceMs + timeoutMs - performance.now(), { kind: 'no_answer' })]),
      ]);
      if (next?.kind === 'line') this.#line = null;
      return next ?? this.#happenings.shift() ?? { kind: 'no_answer' };
    } finally {
      this.#ring = null;
      stop.abort();
      clearInterval(ticking);
    }
  }

  /** On a terminal: what is going on, or that it is the person's turn. */
  #showWork(): NodeJS.Timeout | undefined {
    const { interactive, terminal } = this.#options;
    if (!interactive) return undefined;
    if (this.#isMyTurn() || this.#isParked()) {
      terminal.progress(PROMPT);
      return undefined;
    }
    const show = () => {
      const seconds = Math.floor((performance.now() - this.#waitingSinceMs) / 1_000);
      terminal.progress(`the agent works… ${seconds} s`);
    };
    show();
    return setInterval(show, TICK_MS);
  }

  #isMyTurn(): boolean {
    if (!this.#follower.busy || this.#landed) return true;
    return this.#requests.question() !== null || this.#toApprove() !== null;
  }

  /** As far as the run has said, and nothing was decided here since. */
  #isParked(): boolean {
    return this.#parked !== null || this.#requests.undecided;
  }

  /** After the last line nobody is left here to speak for others. */
  #toApprove(): ApprovalRow | null {
    return this.#inputEnded ? null : this.#requests.toApprove();
  }

  #say(event: ChatEvent): void {
    const { terminal } = this.#options;
    terminal.progress('');
    terminal.say(event, (shown, paint) => eventText(shown, paint));
  }

  /** Null: the chat goes on. */
  async #take(next: Next): Promise<number | null> {
    const { interactive, interrupted } = this.#options;
    switch (next.kind) {
      case 'line':
        if (next.text !== null) return this.#takeLine(next.text);
        this.#inputEnded = true;
        if (interactive) return this.#leave('quit', EXIT_CODES.ok[0]);
        return this.#follower.busy && !this.#landed ? null : this.#leave('end_of_input', EXIT_CODES.ok[0]);
      case 'reply':
        await this.#takeReply(next.line?.id ?? null, next.reply);
        return null;
      case 'late':
        this.#options.terminal.note(
          'no answer yet: is a worker running? The message is in the run, and is read as soon as one works',
        );
        return interactive ? null : this.#leave('no_answer', EXIT_CODES.noAnswer[0]);
      case 'no_answer':
        return this.#leave('no_answer', EXIT_CODES.noAnswer[0]);
      case 'long':
        return this.#leave('long', EXIT_CODES.noAnswer[0]);
      case 'interrupted':
        return this.#leave('interrupted', exitCodeOf(interrupted));
      case 'refused':
        return this.#tellRefused(next.line.id, next.error);
      case 'over': {
        const code = await this.#end();
        if (next.untold === null) return code;
        const { workflowId } = this.#options;
        throw new CommandError(
          'refused',
          'ended',
          `run "${workflowId}" had ended before this was said: "${next.untold.text.slice(0, 80)}". Start a new chat`,
        );
      }
      case 'failed':
        throw next.error;
      default:
        return next satisfies never;
    }
  }

  async #takeLine(line: string): Promise<number | null> {
    const typed = readTyped(line);
    switch (typed.kind) {
      case 'nothing':
        return null;
      case 'command':
        return this.#command(typed.name);
      case 'unknown':
        return this.#tellRefused(
          typed.word,
          new CommandError(
            'usage',
            'unknown_command',
            `there is no ${typed.word}: /help lists what there is`,
          ),
        );
      case 'text':
        return (await this.#decideBy(typed.text)) ? null : this.#send(typed.text);
      default:
        return typed satisfies never;
    }
  }

  /** True when the text was about an open request, and not a message. */
  async #decideBy(text: string): Promise<boolean> {
    const question = this.#requests.question();
    const yesNo = question === null ? null : readYesNo(text);
    if (question !== null && yesNo !== null) {
      await this.#decide(question, { kind: yesNo }, this.#options.as);
      return true;
    }
    const request = this.#toApprove();
    const said = request === null ? null : readSaid(request.kind, text);
    if (request === null || said === null) return false;
    switch (said.kind) {
      case 'skip':
        this.#requests.leave(request);
        return true;
      case 'bad':
        this.#tellRefused(request.id, new CommandError('usage', 'malformed', said.problem));
        return true;
      case 'decision':
        await this.#decide(request, said.decision, this.#options.approveAs ?? '');
        return true;
      default:
        return said satisfies never;
    }
  }

  async #decide(row: ApprovalRow, word: Word, by: string): Promise<void> {
    const decision: Decision = {
      ...word,
      approval: row.id,
      by,
      channel: 'chat',
      // A yes is a yes to the arguments that were shown, and to no others.
      ...(row.argsHash !== null && { argsHash: row.argsHash }),
    };
    try {
      refuseEarly(row, decision);
      const decided = await deliver(this.#options.holdfast, row, decision);
      // More people have to say so, and nothing more is said here.
      if (decided.kind === 'voted') this.#requests.leave(row);
      else this.#requests.decided(row);
      if (row.kind === 'landing') this.#landed = false;
      this.#waitingSinceMs = performance.now();
      this.#say({ event: 'decided', approval: row.id, by, decided });
      this.#follower.poke();
    } catch (error) {
      if (!(error instanceof CommandError) && !(error instanceof HoldfastError)) throw error;
      this.#tellRefused(row.id, error);
      if (GONE.has(error.code)) {
        this.#requests.decided(row);
        this.#follower.poke();
      }
    }
  }

  async #send(text: string): Promise<null> {
    const { interactive, terminal, newId } = this.#options;
    const line = { id: newId(), text };
    if (terminal.json || !interactive) this.#say({ event: 'sent', messageId: line.id, text });
    this.#waitingSinceMs = performance.now();
    // The run says anew what is open after this.
    this.#requests.forget();
    this.#parked = null;
    this.#landed = false;
    this.#newest = line.id;
    try {
      await this.#follower.add(line);
      this.#started = true;
    } catch (error) {
      if (!(error instanceof HoldfastError)) throw error;
      this.#tellRefused(line.id, error);
    }
    return null;
  }

  #tellRefused(about: string, error: CommandError | HoldfastError): null {
    // A program that feeds lines is better stopped than half heard.
    if (!this.#options.interactive) throw error;
    this.#say({ event: 'refused', about, code: error.code, message: error.message });
    return null;
  }

  async #takeReply(messageId: string | null, reply: Reply): Promise<void> {
    const { sql, workflowId } = this.#options;
    const text = reply.text ?? null;
    if (reply.kind === 'answered') {
      this.#requests.forget();
      this.#parked = null;
      this.#landed = false;
      const whole = text ?? (await this.#stored());
      const again = this.#moreOpen && whole !== null && whole === this.#lastText;
      this.#say({ event: 'answered', messageId, text: whole, again });
      this.#lastText = whole;
      this.#moreOpen = this.#follower.busy;
      return;
    }
    if (messageId !== null && this.#newest !== null && messageId !== this.#newest) return;
    await this.#requests.take((reply.approvals ?? []).map(({ id }) => id));
    // What was decided a moment ago, and the run has not gone on from yet.
    if (this.#requests.any && !this.#isParked()) return;
    const unseen = this.#requests.unseen();
    this.#landed = reply.kind === 'landed';
    if (this.#landed && unseen.length > 0) this.#say({ event: 'landed', messageId, text });
    for (const row of unseen) this.#say({ event: 'asked', of: this.#requests.of(row), request: asked(row) });
    if (this.#requests.any || this.#landed) return;
    const state = (await readStanding(sql, workflowId))?.run.state ?? '';
    const unasked = parkedAs(state)?.asks === false;
    if (unasked && state !== this.#parked) this.#say({ event: 'parked', state });
    this.#parked = unasked ? state : null;
  }

  /** Where histories carry no text, the store still has it. */
  async #stored(): Promise<string | null> {
    const { sql, workflowId } = this.#options;
    const standing = await readStanding(sql, workflowId);
    return standing === null ? null : lastAnswer(sql, standing.run.run);
  }

  async #command(name: ChatCommand): Promise<number | null> {
    const { holdfast, workflowId, as } = this.#options;
    switch (name) {
      case 'quit':
        return this.#leave('quit', EXIT_CODES.ok[0]);
      case 'help':
        this.#say({ event: 'help' });
        return null;
      case 'status':
        return this.#status();
      case 'close':
      case 'cancel':
        if (!this.#started) return this.#leave('quit', EXIT_CODES.ok[0]);
        await (name === 'close'
          ? holdfast.close({ workflowId, by: as, channel: 'chat' })
          : holdfast.cancel({ workflowId, by: as, channel: 'chat' }));
        this.#say({ event: 'signalled', signal: name });
        return this.#end();
      default:
        return name satisfies never;
    }
  }

  async #status(): Promise<null> {
    const { holdfast, sql, workflowId } = this.#options;
    const [standing, status] = await Promise.all([
      readStanding(sql, workflowId),
      holdfast.status(workflowId, { timeoutMs: STATUS_MS }).catch(() => null),
    ]);
    this.#say({ event: 'status', run: standing?.run ?? null, waitsFor: status?.waitsFor ?? null });
    return null;
  }

  /** The end of the run; what is still being done in it may hold that up. */
  async #end(): Promise<number> {
    const { holdfast, workflowId, timeoutMs, interrupted } = this.#options;
    await this.#follower.stop();
    try {
      const result = await holdfast.result(workflowId, { timeoutMs, signal: interrupted });
      const { outcome, reason, costMicroUsd, answer = null } = result;
      const told = answer === null || answer === this.#lastText;
      this.#say({ event: 'ended', outcome, reason, answer: told ? null : answer, costMicroUsd });
      return outcome === 'failed' ? EXIT_CODES.unexpected[0] : EXIT_CODES.ok[0];
    } catch (error) {
      if (interrupted.aborted) return this.#leave('interrupted', exitCodeOf(interrupted));
      if (!(error instanceof HoldfastError) || error.code !== 'timed_out') throw error;
      return this.#leave('no_answer', EXIT_CODES.noAnswer[0]);
    }
  }

  #leave(why: Extract<ChatEvent, { event: 'left' }>['why'], code: number): number {
    const { workflowId } = this.#options;
    this.#say({ event: 'left', why, workflowId, started: this.#started });
    return code;
  }
}

/** Why a request cannot be decided any more, by anybody. */
const GONE: ReadonlySet<string> = new Set([
  'already_decided',
  'too_late',
  'unknown_approval',
  'already_voted',
]);

function exitCodeOf({ reason }: AbortSignal): number {
  return reason instanceof Interrupted ? reason.exitCode : EXIT_CODES.unexpected[0];
}

function timer(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const handle = setTimeout(resolve, Math.max(0, ms));
    signal.addEventListener('abort', () => clearTimeout(handle), { once: true });
  });
}

function aborted(signal: AbortSignal, stop: AbortSignal): Promise<Next> {
  return new Promise((resolve) => {
    const onAbort = () => resolve({ kind: 'interrupted' });
    signal.addEventListener('abort', onAbort, { once: true });
    stop.addEventListener('abort', () => signal.removeEventListener('abort', onAbort), { once: true });
  });
}
