import { Context } from '@temporalio/activity';
import type { ActivityInterceptors, Worker } from '@temporalio/worker';
import type { Hold, Plan, Said } from './holds.ts';

// The worker's side of holds: what has come to its hold stays there for ever, since the process is going to be killed.

export function tell(said: Said): void {
  process.send?.(said);
}

const FOR_EVER = new Promise<never>(() => undefined);

function hold(workflowId: string): Promise<never> {
  tell({ kind: 'held', workflowId });
  return FOR_EVER;
}

/** Activities stop before they begin, or when they are done. */
export function activityHolds(plan: Plan): () => ActivityInterceptors {
  return () => ({
    inbound: {
      execute: async (input, next) => {
        const { activityId, isLocal, workflowExecution } = Context.current().info;
        const workflowId = workflowExecution?.workflowId ?? '';
        const planned = plan[workflowId];
        // What runs inside a workflow task has numbers of its own, and stands and falls with the task.
        const mine = !isLocal && planned?.at === 'activity' && planned.activity === activityId;
        if (mine && planned.when === 'in') return hold(workflowId);
        const result = await next(input);
        return mine ? hold(workflowId) : result;
      },
    },
  });
}

interface Activation {
  readonly historyLength?: number | null;
  readonly jobs?: readonly { readonly removeFromCache?: unknown }[] | null;
}
interface HeldWorkflow {
  activate(activation: Activation): Promise<unknown>;
}
interface Creator {
  createWorkflow(options: { readonly info: { readonly workflowId: string } }): Promise<HeldWorkflow>;
}

/** Workflow tasks stop before they are worked out, or when they are. No interface of the SDK reaches these places. */
export function holdTasks(worker: Worker, plan: Plan): void {
  const { workflowCreator } = worker as unknown as { readonly workflowCreator?: Creator };
  if (workflowCreator?.createWorkflow === undefined)
    throw new Error(
      'this version of the SDK has no workflowCreator: find where workflow tasks are handed on now',
    );
  const create = workflowCreator.createWorkflow.bind(workflowCreator);
  workflowCreator.createWorkflow = async (options) => {
    const workflow = await create(options);
    const { workflowId } = options.info;
    const planned = plan[workflowId];
    if (planned?.at !== 'task') return workflow;
    const activate = workflow.activate.bind(workflow);
    workflow.activate = async (activation) => {
      const mine = isAt(activation, planned);
      if (mine && planned.when === 'in') return hold(workflowId);
      const done = await activate(activation);
      return mine ? hold(workflowId) : done;
    };
    return workflow;
  };
}

function isAt({ jobs, historyLength }: Activation, planned: Extract<Hold, { at: 'task' }>): boolean {
  const evicted = jobs?.length === 1 && Boolean(jobs[0]?.removeFromCache);
  return !evicted && (historyLength ?? 0) >= planned.events;
}
