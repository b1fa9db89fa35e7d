// What everybody who said the same at once may have been told.

export interface Starts {
  /** `taken`, or why not. */
  readonly answers: readonly string[];
  /** What a start after the end of the run was told. */
  readonly late: string;
  /** By the server's own word. */
  readonly executions: number;
}

export function startProblems({ answers, late, executions }: Starts): readonly string[] {
  const others = answers.filter((answer) => answer !== 'taken' && answer !== 'already_started');
  return [
    ...(answers.includes('taken') ? [] : ['nobody was told that it has begun']),
    ...(others.length > 0 ? [`somebody was told ${[...new Set(others)].join(', ')}`] : []),
    ...(late === 'already_started' ? [] : ['it could be started again after its end']),
    ...(executions === 1 ? [] : [`the server ran it ${executions} times`]),
  ];
}

/** `replies`: of those who waited for one. */
export function messageProblems(id: string, replies: readonly string[]): readonly string[] {
  const said = [...new Set(replies)];
  return said.length === 1 ? [] : [`message ${id} was answered in ${said.length} ways: ${said.join(' | ')}`];
}

const FITTING: readonly string[] = ['decided', 'left', 'already_decided', 'ended', 'too_many'];

/** `standing`: who decided, by the store. */
export function decisionProblems(
  heard: readonly { readonly by: string; readonly reply: string }[],
  standing: string | null,
): readonly string[] {
  const decided = new Set(heard.filter(({ reply }) => reply === 'decided').map(({ by }) => by));
  const others = heard.map(({ reply }) => reply).filter((reply) => !FITTING.includes(reply));
  return [
    // A signal may have been the first: then nobody was told.
    ...(decided.size > 1 ? [`${[...decided].join(' and ')} were told that they decided`] : []),
    ...(decided.size === 1 && !decided.has(standing ?? '') ? ['the store names somebody else'] : []),
    ...(others.length > 0 ? [`somebody was told ${[...new Set(others)].join(', ')}`] : []),
  ];
}
