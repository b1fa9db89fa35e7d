import { FAULTS as APPROVAL_FAULTS, type Fault } from '../approvalFaults.ts';
import type { Facts } from './facts.ts';
import type { CallPlan, Program, ToolPlan } from './program.ts';

/** A fault of the workflows, and the promise that the judge must see broken. */
export interface PlantedFault {
  readonly fault: Fault;
  readonly breaks: string;
  /** Programs in which it can show at all; the others need not be played. */
  readonly canShow?: (program: Program) => boolean;
}

/** Whether one of the first calls is of such a kind: what comes late in a program often does not come. */
const soonCalls =
  (isMeant: (call: CallPlan, tool: ToolPlan) => boolean) =>
  ({ agent, scenes }: Program): boolean =>
    scenes.slice(0, 3).some(({ calls }) =>
      calls.some((call) => {
        const tool = call.tool === null ? undefined : agent.tools[call.tool];
        return tool !== undefined && isMeant(call, tool);
      }),
    );

function approvalFault(name: string, breaks: string): PlantedFault {
  const fault = APPROVAL_FAULTS[name];
  if (fault === undefined) throw new Error(`there is no fault "${name}" among those of approvals`);
  return { fault, breaks };
}

/** Faults in the compiled workflows, by what would go wrong. */
export const WORKFLOW_FAULTS: Readonly<Record<string, PlantedFault>> = {
  'an effect runs without asking': {
    fault: { from: /return call\.verdict\.answer\.kind === 'allow' \|\|/, to: 'return true ||' },
    breaks: 'V2: an effect was done without an approval',
  },
  'a decision that came too late counts': approvalFault(
    'a decision that came too late counts',
    'V2: an effect was done with the yes of',
  ),
  'one person makes a quorum': {
    ...approvalFault('one person makes a quorum', 'V2: an effect was done with the yes of'),
    canShow: soonCalls((_, { gate }) => gate.kind === 'ask' && gate.of === 'people' && gate.quorum === 2),
  },
  'silence approves': approvalFault('silence approves', 'V2: an effect was done with the yes of'),
  'an edit needs nobody who approves it': approvalFault(
    'an edit needs nobody who approves it',
    'V2: an effect was done without an approval',
  ),
  'results are told twice': {
    fault: { from: /append: _core_state_ts__WEBPACK_IMPORTED_MODULE_\d+__\.NOTHING,\n/, to: '' },
    breaks: 'V3: results do not answer the calls',
  },
  'an end leaves calls without a result': approvalFault(
    'an end leaves calls without a result',
    'V3: a call has no result',
  ),
  'what a model call costs is not counted': {
    fault: { from: /state\.costMicroUsd \+ answer\.costMicroUsd/, to: 'state.costMicroUsd' },
    breaks: 'V4:',
  },
  'a wait has no end': {
    fault: {
      from: /condition\)\(\(\)=>met\(\) \|\| run\.live\.moveDue, Math\.min\([^)]*\), \{/,
      to: 'condition)(()=>met() || run.live.moveDue); ({',
    },
    breaks: 'V5:',
  },
  'a replay takes another way': {
    fault: {
      from: /info\.continueAsNewSuggested \|\|/,
      to: '(info.continueAsNewSuggested && !info.unsafe.isReplaying) ||',
    },
    breaks: 'V6:',
  },
  "a time-out depends on the machine's own randomness": {
    fault: {
      from: /(condition\)\(\(\)=>met\(\) \|\| run\.live\.moveDue, )Math\.min\(leftMs,/,
      to: '$1Math.min(leftMs + Math.floor((0,_temporalio_workflow__WEBPACK_IMPORTED_MODULE_0__.workflowInfo)().unsafe.random.random() * 9),',
    },
    breaks: 'V6:',
  },
  'a task is not known by its history to have been done before': {
    fault: { from: /again: since > \S+undisturbedEvents/, to: 'again: false' },
    breaks: 'V5: a local activity ends each worker of one task',
    canShow: soonCalls(({ fates }) => fates.length > 2 && fates.every((fate) => fate === 'ends_worker')),
  },
  'a decision is verified in a task that may have been done before': {
    fault: { from: /since > undisturbed\b/, to: 'since > 99' },
    breaks: 'V5: a local activity ends each worker of one task',
  },
  'what runs inside a task is decided by the length of the history': {
    fault: { from: /(const again = since <= 0[^;]*;)/, to: '$1 if (again) return null;' },
    breaks: 'V6:',
  },
  'a quick read that fails is believed': {
    fault: {
      from: /(isCancellation\)\(error\)\) throw error;\s*)return null;/,
      to: "$1return { kind: 'done', applied: false, activeMs: 1, outcome: { kind: 'ran', status: 'success', ref: 'b'.repeat(64), bytes: 1 } };",
    },
    breaks: 'V3: nothing was read, and the model reads an answer',
  },
  'lists are not told what a run waits for now': {
    fault: { from: /return isParked \|\| saysParked \? shown : null;/, to: 'return null;' },
    breaks: 'V5: the run is',
  },
  'of several messages only the first is told': {
    fault: { from: /inbox: run\.state\.inbox\.slice\(1\)/, to: 'inbox: []' },
    breaks: 'V9: a message was taken in',
  },
  'a message that is sent twice is told twice': {
    fault: { from: /if \(seenMessages\.includes\(id\)\) return id;/, to: '' },
    breaks: 'V9: a message stands in the conversation',
  },
  'what people said while a run moves is forgotten': {
    fault: {
      from: /continueAsNew\)\(input, run\.state\)/,
      to: 'continueAsNew)(input, Object.assign({}, run.state, { controls: [] }))',
    },
    breaks: 'V9: a decision is on no record',
  },
};

/** Faults in the world around the workflow. */
export const WORLD_FAULTS: Readonly<
  Record<string, { readonly alter: (facts: Facts) => void; readonly breaks: string }>
> = {
  'a ledger that forgets what was done': {
    alter: ({ effects }) => {
      effects.set = () => effects;
    },
    breaks: 'V1:',
  },
  'a store that forgets what the model said': {
    alter: ({ answers }) => {
      answers.set = () => answers;
    },
    breaks: 'V3: step',
  },
  'a store that forgets what people decided': {
    alter: ({ recorded }) => {
      recorded.push = () => 0;
    },
    breaks: 'V9: a decision is on no record',
  },
};
