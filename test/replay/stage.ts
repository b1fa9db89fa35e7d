import type { DecideReply } from '../../src/client.ts';
import { within } from '../../src/commands/bounded.ts';
import type { RunLimits } from '../../src/core/limits.ts';
import type { Step } from '../../src/models/scripted/conversation.ts';
import type { ApprovalRow } from '../../src/store/views.ts';
import {
  closeSignal,
  type Decision,
  decideNowUpdate,
  decideSignal,
  type RunResult,
} from '../../src/workflows/messages.ts';
import { type Handle, type Lab, until } from '../e2e/lab.ts';
import { script } from '../e2e/labAgent.ts';
import { inState, requestsOf } from '../e2e/peopleFacts.ts';
import type { Gates } from './goldenAgents.ts';

/** A workflow id that is the same in every recording. */
export function goldenId(name: string): string {
  return `golden-${name}`;
}

/** An outage heals after a minute. */
const LONGEST_MS = 90_000;

type Word = Omit<Decision, 'approval' | 'by'> & { readonly by?: string };

/** What a golden run is played with. Every wait is for a fact and has an end. */
export class Stage {
  readonly lab: Lab;
  readonly gates: Gates;

  constructor(lab: Lab, gates: Gates) {
    this.lab = lab;
    this.gates = gates;
  }

  /** Starts a run whose first message is its name, with what the model says in it. */
  begin(
    name: string,
    steps: readonly Step[],
    more: {
      readonly agent?: string;
      readonly once?: boolean;
      readonly silent?: boolean;
      readonly limits?: Partial<RunLimits>;
    } = {},
  ): Promise<Handle> {
    const { agent = 'lab', once = true, silent = false, limits } = more;
    this.lab.model.add(script(name, steps));
    const input = {
      agent,
      once,
      requester: { id: 'customer' },
      ...(!silent && { message: name }),
      ...(limits && { limits }),
    };
    return this.lab.start(input, goldenId(name));
  }

  state(handle: Handle, state: string): Promise<unknown> {
    return inState(this.lab, handle, state);
  }

  /** As many open requests of a run as are waited for, in the order of their calls. */
  open(handle: Handle, count = 1): Promise<readonly ApprovalRow[]> {
    return until(`${count} requests of ${handle.workflowId}`, async () => {
      const open = (await requestsOf(this.lab, handle)).filter(({ state }) => state === 'open');
      return open.length === count && open.sort((a, b) => (a.id < b.id ? -1 : 1));
    });
  }

  async decide(handle: Handle, word: Word): Promise<void> {
    const [row] = await this.open(handle);
    await this.say(handle, row, word);
  }

  say(handle: Handle, row: ApprovalRow | undefined, word: Word): Promise<void> {
    return handle.signal(decideSignal, { approval: row?.id ?? '', by: 'anna', channel: 'ui', ...word });
  }

  async decideNow(handle: Handle, row: ApprovalRow | undefined, word: Word): Promise<DecideReply> {
    const decision = { approval: row?.id ?? '', by: 'anna', channel: 'api', ...word };
    return handle.executeUpdate(decideNowUpdate, { args: [decision] });
  }

  /** The run ends by itself, and as it should: else what was recorded is not what was meant. */
  async ends(handle: Handle, as: Partial<Pick<RunResult, 'outcome' | 'reason'>>): Promise<Handle> {
    const result = await within(
      LONGEST_MS,
      handle.result(),
      () => new Error(`${handle.workflowId} does not end`),
    );
    for (const [member, wanted] of Object.entries(as))
      if (result[member as keyof RunResult] !== wanted)
        throw new Error(
          `${handle.workflowId} ended with ${JSON.stringify(result)}, not as ${JSON.stringify(as)}`,
        );
    return handle;
  }

  /** How many model calls of the run are on the books. */
  answered(handle: Handle, count: number): Promise<unknown> {
    return until(`${count} answers in ${handle.workflowId}`, async () => {
      const [row] = await this.lab.sql<{ n: number }[]>`
        select count(*)::int as n from model_attempts join runs using (run)
        where workflow_id = ${handle.workflowId} and model_attempts.state = 'settled'`;
      return row?.n === count;
    });
  }

  async closes(handle: Handle): Promise<Handle> {
    await handle.signal(closeSignal, { by: 'customer' });
    return this.ends(handle, { reason: 'closed' });
  }

  /** Nothing is on its way any more: the history of a run that stays parked ends here. */
  async rests(handle: Handle, state: string): Promise<Handle> {
    await this.state(handle, state);
    await until(`${handle.workflowId} to rest`, async () => {
      const { raw } = await handle.describe();
      return (raw.pendingActivities ?? []).length === 0 && !raw.pendingWorkflowTask;
    });
    return handle;
  }
}
