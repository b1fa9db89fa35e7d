import { largeReturn, question, type ScriptedConversation, smallReturn } from './conversations.ts';
import { type Kill, resumeAfterKill } from './kill.ts';
import { type OnWorkerExit, playConversation, type Stage, type Talk } from './play.ts';
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

interface Scene {
  readonly conversation: ScriptedConversation;
  /** A second line of the title. */
  readonly twist?: string;
  readonly onWorkerExit?: (onKill: (kill: Kill) => void) => OnWorkerExit;
  readonly judge: (found: {
    readonly talk: Talk;
    readonly facts: Facts;
    readonly kill: Kill | null;
  }) => readonly Check[];
}

/** Plays the three conversations one after the other, judges each, and shows both. */
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
  ];
}

async function playScene(
  stage: Stage,
  scene: Scene,
  urlOf: (workflowId: string) => string | null,
): Promise<Played> {
  const { conversation, judge } = scene;
  let kill: Kill | null = null;
  const onKill = (one: Kill) => {
    kill = one;
  };
  const talk = await playConversation(stage, conversation, scene.onWorkerExit?.(onKill));
  const facts = await readFacts(stage.sql, {
    run: talk.result.run,
    shop: talk.workflowId,
    order: conversation.order,
  });
  const checks = [...checkEnd(stage, talk), ...judge({ talk, facts, kill })];
  return { conversation, talk, checks, kill, url: urlOf(talk.workflowId) };
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
