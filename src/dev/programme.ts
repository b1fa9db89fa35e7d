import {
  largeReturn,
  patientReturn,
  question,
  type ScriptedConversation,
  smallReturn,
} from './conversations.ts';
import { type Kill, resumeAfterKill } from './kill.ts';
import { type Patience, waitForDirector } from './patience.ts';
import { checkFaults, checkPatience, readPatienceFacts } from './patienceProof.ts';
import { HOUR_MS } from './patientAgent.ts';
import { type Approver, type OnWorkerExit, playConversation, type Stage, type Talk } from './play.ts';
import {
  type Check,
  check,
  checkAudit,
  checkDecided,
  checkOnce,
  checkReadOnly,
  type Facts,
  readFacts,
} from './proof.ts';
import { type Played, showPlayed } from './report.ts';
import { seconds } from './screen.ts';

interface Scene {
  readonly conversation: ScriptedConversation;
  /** A second line of the title. */
  readonly twist?: string;
  readonly onWorkerExit?: (onKill: (kill: Kill) => void) => OnWorkerExit;
  readonly approver?: (onPatience: (patience: Patience) => void) => Approver;
  readonly judge: (found: {
    readonly talk: Talk;
    readonly facts: Facts;
    readonly kill: Kill | null;
    readonly patience: Patience | null;
  }) => readonly Check[] | Promise<readonly Check[]>;
}

/** Plays the four conversations one after the other, judges each, and shows both. */
export async function playProgramme(
  stage: Stage,
  urlOf: (workflowId: string) => string | null,
): Promise<readonly Played[]> {
  const { screen } = stage;
  const scenes = scenesFor(stage);
  const all: Played[] = [];
  for (const [i, scene] of scenes.entries()) {
    screen.line();
    screen.line(`  ${screen.colors.bold(`${i + 1} of ${scenes.length}: ${scene.conversation.title}`)}`);
    if (scene.twist !== undefined) screen.line(`  ${screen.colors.bold(`        ${scene.twist}`)}`);
    screen.line();
    const played = await playScene(stage, scene, urlOf);
    showPlayed(screen, played);
    all.push(played);
  }
  return all;
}

/** A real model may word and do things in its own way: then only what holds for any model is checked. */
function scenesFor(stage: Stage): readonly Scene[] {
  const scripted = stage.model !== null;
  return [
    {
      conversation: question,
      judge: ({ facts }) => (scripted ? checkReadOnly(facts) : [checkAudit(facts)]),
    },
    {
      conversation: largeReturn,
      judge: ({ talk, facts }) => {
        const approved = talk.decisions.every((decision) => decision.approved);
        return scripted ? checkDecided(facts, { order: largeReturn.order, approved }) : [checkAudit(facts)];
      },
    },
    {
      conversation: smallReturn,
      twist: 'and a worker that is killed in the middle of it',
      onWorkerExit: (onKill) => resumeAfterKill(stage, smallReturn.order, onKill),
      judge: ({ facts, kill }) => {
        if (kill !== null) return checkOnce(kill.before, facts, smallReturn.order);
        const idle = facts.effects.length === 0;
        return scripted
          ? [check('the worker was killed in the middle of the effect', false, 'it was not')]
          : [check('the model made no change, so no worker was killed', idle, 'nothing to prove')];
      },
    },
    {
      conversation: patientReturn,
      twist: `in which an hour takes ${seconds(HOUR_MS)}`,
      approver: (onPatience) => waitForDirector(stage, patientReturn.order, onPatience),
      judge: async ({ facts, patience }) => {
        const found = await readPatienceFacts(stage.sql, facts.run, patience?.decider.id ?? '');
        if (!scripted) return [checkAudit(facts), checkFaults(found)];
        if (patience === null) return [check('somebody was asked, and decided', false, 'nobody')];
        return checkPatience({ ...found, patience, facts }, patientReturn.order);
      },
    },
  ];
}

async function playScene(
  stage: Stage,
  scene: Scene,
  urlOf: (workflowId: string) => string | null,
): Promise<Played> {
  const { conversation, judge } = scene;
  let kill: Kill | null = null;
  let patience: Patience | null = null;
  const talk = await playConversation(stage, conversation, {
    onWorkerExit: scene.onWorkerExit?.((one) => {
      kill = one;
    }),
    approver: scene.approver?.((one) => {
      patience = one;
    }),
  });
  const facts = await readFacts(stage.sql, {
    run: talk.result.run,
    shop: talk.workflowId,
    order: conversation.order,
  });
  const checks = [...checkEnd(stage, talk), ...(await judge({ talk, facts, kill, patience }))];
  return { conversation, talk, checks, kill, patience, url: urlOf(talk.workflowId) };
}

function checkEnd(stage: Stage, { result }: Talk): readonly Check[] {
  const found = `${result.outcome}, ${result.reason}`;
  if (stage.model === null)
    return [check('the run ended in good order', !['failed', 'cancelled'].includes(result.outcome), found)];
  const { problems } = stage.model;
  return [
    check('the run is completed', result.outcome === 'completed' && result.reason === 'closed', found),
    check('the model saw what its script expects', problems.length === 0, problems.at(-1) ?? 'no problems'),
  ];
}
