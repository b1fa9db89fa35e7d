import { LIMITS } from './limits.ts';

/**
 * A part of a conversation and the tools that fit into it. The request to the model stays the same bytes; a call of
 * another tool is refused by result, which says what fits.
 */
export interface Phase {
  /** A word for the model: `identify`. */
  readonly name: string;
  readonly tools: readonly string[];
  /** The first success of one of these ends the phase. None: it is the last. */
  readonly until?: readonly string[];
}

/** Tools that always fit: the built-in ones, and whatever hands over to people. */
export interface AlwaysFits {
  readonly name: string;
  readonly category: string;
  readonly handsOver: boolean;
}

/** Null where the call fits; else what the model is told. */
export function unfit(phases: readonly Phase[], at: number, tool: AlwaysFits): string | null {
  const phase = phases[at];
  if (phase === undefined || phase.tools.includes(tool.name)) return null;
  if (tool.handsOver || tool.category === 'built-in') return null;
  const next =
    (phase.until ?? []).length > 0 ? ` It ends with a success of: ${phase.until?.join(', ')}.` : '';
  return `${tool.name} does not fit now. The conversation is in the phase "${phase.name}", whose tools are: ${phase.tools.join(', ')}.${next}`;
}

/** The phase after these tools have succeeded, in order. Phases only ever move forward, one for each success. */
export function phaseAfter(phases: readonly Phase[], at: number, succeeded: readonly string[]): number {
  let phase = at;
  for (const tool of succeeded) if (phases[phase]?.until?.includes(tool) === true) phase++;
  return Math.min(phase, Math.max(0, phases.length - 1));
}

/** What is wrong with phases, as sentences for the author of an agent. */
export function phaseProblems(phases: readonly Phase[], tools: readonly string[]): readonly string[] {
  const problems: string[] = [];
  if (phases.length > LIMITS.phases)
    problems.push(`phases has ${phases.length} entries, the limit is ${LIMITS.phases}`);
  phases.forEach((phase, i) => {
    const where = `phases[${i}] ("${phase.name}")`;
    if (!/^[a-z][a-z0-9 -]{0,39}$/.test(phase.name))
      problems.push(`${where}: its name is lower case letters, digits, blanks and dashes, at most 40`);
    if (phase.tools.length === 0) problems.push(`${where} names no tool`);
    for (const tool of [...phase.tools, ...(phase.until ?? [])])
      if (!tools.includes(tool)) problems.push(`${where} names a tool that is not there: "${tool}"`);
    for (const tool of phase.until ?? [])
      if (tools.includes(tool) && !phase.tools.includes(tool))
        problems.push(`${where} ends with "${tool}", which does not fit into it: it would never end`);
    const ends = (phase.until ?? []).length > 0;
    const last = i === phases.length - 1;
    if (!last && !ends)
      problems.push(`${where} never ends, so the phases after it are never reached: name \`until\``);
    if (last && ends) problems.push(`${where} is the last and cannot end: leave \`until\` out`);
  });
  return problems;
}
