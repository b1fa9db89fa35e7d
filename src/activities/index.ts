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
import type { Activities, BreakerChangeTold, FleetActivities } from './types.ts';
import { verifyControls } from './verify.ts';

/** The activities of a worker. Each unpacks, calls a service, classifies what failed, and packs. */
export function createActivities(services: ActivityServices): Activities & FleetActivities {
  const { sql } = services;
  const bordered = borderFor(privacyFor(services.secrets));
  const sweepFleet = bordered(() => sweep(services));
  return {
    callModel: bordered((input) => callModel(services, input)),
    prepareCall: bordered((input) => prepareCall(services, input)),
    runTool: bordered((input) => runTool(services, input)),
    closeEffect: bordered((input) => closeEffect(services, input)),
    resolveEffect: bordered((input) => resolveEffect(services, input)),
    openApprovals: bordered(async (input) => {
      await insertApprovals(sql, input);
      return { signed: services.decisionKeys !== null };
    }),
    recordDecisions: bordered((input) => insertDecisions(sql, input)),
    remind: bordered((input) => remind(services, input)),
    verifyControls: bordered((input) => verifyControls(services, input)),
    keepTexts: bordered((input) => storeBlobs(sql, input.run, input.texts)),
    endRun: bordered((input) => endRun(services, input)),
    sweep: () => sweepFleet(null),
    govern: bordered<void, readonly BreakerChangeTold[]>(() => govern(services)),
    wakeHeld: bordered<void, number>(() => wakeHeld(services)),
  };
}
