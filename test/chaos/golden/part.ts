import type { Report } from '../campaigns/campaign.ts';

/** A part of a campaign: what is played by itself, with its own workers. */
export type Part = Report & { readonly name: string };

/** The parts as one report. Every problem says of which part it is. */
export function joined(parts: readonly Part[]): Report {
  const all = <Item>(pick: (part: Part) => readonly Item[]) => parts.flatMap(pick);
  const sum = (pick: (part: Part) => number) => parts.reduce((total, part) => total + pick(part), 0);
  return {
    faults: sum(({ faults }) => faults),
    runs: sum(({ runs }) => runs),
    effects: sum(({ effects }) => effects),
    lost: sum(({ lost }) => lost),
    duplicated: sum(({ duplicated }) => duplicated),
    recoveryMs: all(({ recoveryMs }) => recoveryMs),
    problems: all(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`)),
    vacuous: all(({ name, vacuous }) => vacuous.map((what) => `${name}: ${what}`)),
    figures: Object.assign({}, ...parts.map(({ figures }) => figures)),
  };
}

/** Parts side by side. One that fails waits for the rest, whose stack would otherwise be gone. */
export async function together(parts: readonly Promise<Part>[]): Promise<readonly Part[]> {
  const played = await Promise.allSettled(parts);
  return played.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}
