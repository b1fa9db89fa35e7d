import { Context } from '@temporalio/activity';
import { PACKING, type Packed, pack, unpack } from '../core/packing.ts';
import { storeBlobs } from '../store/chain.ts';
import { insertApprovals, insertDecisions } from '../store/records.ts';
import { callModel } from './callModel.ts';
import { closeEffect, resolveEffect } from './closeEffect.ts';
import { endRun } from './endRun.ts';
import { borderFor } from './failure.ts';
import { govern, wakeHeld } from './govern.ts';
import { prepareCall } from './prepare.ts';
import { privacyFor } from './privacy.ts';
import { remind } from './remind.ts';
import { runTool } from './runTool.ts';
import type { ActivityServices } from './services.ts';
import { sweep } from './sweep.ts';
import type { BreakerChangeTold, FleetActivities, RunRef, Sent, SentActivities } from './types.ts';
import { verifyControls } from './verify.ts';

/** The activities of a worker. Each unpacks, calls a service, classifies what failed, and packs. */
export function createActivities(services: ActivityServices): SentActivities & FleetActivities {
  const { sql, namespaceId } = services;
  const bordered = borderFor(privacyFor(services.secrets));
  const sweepFleet = bordered(() => sweep(services));
  const ofRun = <Input extends RunRef, Result>(act: (input: Input) => Promise<Result>) =>
    bordered((sent: Sent<Input>) => act(arrived(sent, namespaceId)));
  const ofStep = <Input extends RunRef, Result extends object>(
    name: keyof typeof PACKING,
    act: (services: ActivityServices, input: Input) => Promise<Result>,
  ) =>
    bordered(async (sent: Packed<Sent<Input>>) => {
      const input = arrived<Input>(unpack(PACKING[name].input, sent), namespaceId);
      return pack(PACKING[name].result, await act(services, input));
    });
  return {
    callModel: ofStep('callModel', callModel),
    prepareCall: ofStep('prepareCall', prepareCall),
    runTool: ofStep('runTool', runTool),
    closeEffect: ofStep('closeEffect', closeEffect),
    resolveEffect: ofRun((input) => resolveEffect(services, input)),
    openApprovals: ofRun(async (input) => {
      await insertApprovals(sql, input);
      return { signed: services.decisionKeys !== null };
    }),
    recordDecisions: bordered((input) => insertDecisions(sql, input)),
    remind: ofRun((input) => remind(services, input)),
    verifyControls: ofRun((input) => verifyControls(services, input)),
    keepTexts: bordered((input) => storeBlobs(sql, input.run, input.texts)),
    endRun: ofRun((input) => endRun(services, input)),
    sweep: () => sweepFleet(null),
    govern: bordered<void, readonly BreakerChangeTold[]>(() => govern(services)),
    wakeHeld: bordered<void, number>(() => wakeHeld(services)),
  };
}

/** An input with the workflow that sent it. */
function arrived<Input extends RunRef>(sent: Sent<Input>, namespaceId: string): Input {
  const workflowId = Context.current().info.workflowExecution?.workflowId;
  if (workflowId === undefined) throw new Error('an activity of a run was called outside of a workflow');
  return { ...sent, workflowId, namespaceId } as Input;
}
