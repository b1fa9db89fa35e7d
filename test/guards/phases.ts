import { agent } from '../../src/agents/support/index.ts';
import { phaseAfter, unfit } from '../../src/core/phases.ts';
import { numbersFrom } from './inventions.ts';
import { readLines, sharedFolder } from './sharedData.ts';

/** What the step filter of the support agent does to recorded conversations that never knew it. Counts. */
export interface PhaseFigures {
  readonly conversations: number;
  readonly calls: number;
  /** Recorded calls that it would have refused: before anybody asked who the customer is. */
  readonly refused: number;
  /** Each call once more with another tool of the agent in its place, drawn at random. */
  readonly wrong: number;
  readonly wrongBeforeIdentified: number;
  readonly wrongRanWithout: number;
  readonly wrongRanWith: number;
  readonly wrongRanWithBeforeIdentified: number;
  readonly seed: number;
}

interface Recording {
  readonly turns: readonly {
    readonly content: readonly {
      readonly type: string;
      readonly id?: string;
      readonly name?: string;
      readonly tool_use_id?: string;
      readonly is_error?: boolean;
    }[];
  }[];
}

const SEED = 20_261_121;

/** Null (said aloud) where the recordings are not beside the checkout. */
export function measurePhases(seed = SEED): PhaseFigures | null {
  const folder = sharedFolder('retail');
  if (folder === null) return null;
  const recordings = readLines<Recording>(new URL('recordings.train.jsonl', folder));
  const below = numbersFrom(seed);
  const labels = agent.release.tools
    .map((tool) => tool.labels)
    .filter(({ category }) => category !== 'built-in');
  const { phases } = agent.release;
  const figures = {
    calls: 0,
    refused: 0,
    wrong: 0,
    wrongBeforeIdentified: 0,
    wrongRanWith: 0,
    wrongRanWithBeforeIdentified: 0,
  };
  for (const { turns } of recordings) {
    const failed = new Set(
      turns.flatMap(({ content }) =>
        content.flatMap((block) => (block.is_error ? [block.tool_use_id ?? ''] : [])),
      ),
    );
    let phase = 0;
    for (const { content } of turns) {
      const succeeded: string[] = [];
      for (const { type, name = '', id = '' } of content) {
        const tool = labels.find((one) => one.name === name);
        if (type !== 'tool_use' || tool === undefined) continue;
        figures.calls++;
        if (unfit(phases, phase, tool) !== null) figures.refused++;
        const others = labels.filter((one) => one.name !== name);
        const wrong = others[below(others.length)] ?? tool;
        const ran = unfit(phases, phase, wrong) === null;
        figures.wrong++;
        if (ran) figures.wrongRanWith++;
        if (phase === 0) {
          figures.wrongBeforeIdentified++;
          if (ran) figures.wrongRanWithBeforeIdentified++;
        }
        if (!failed.has(id)) succeeded.push(name);
      }
      phase = phaseAfter(phases, phase, succeeded);
    }
  }
  return { conversations: recordings.length, ...figures, wrongRanWithout: figures.wrong, seed };
}
