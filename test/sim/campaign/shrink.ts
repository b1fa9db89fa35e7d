import { type PlayOptions, play } from './play.ts';
import type { CallPlan, Event, Program, Scene } from './program.ts';

/** Programs that are tried on the way to a smaller one. */
const MOST_TRIES = 400;

export interface Shrunk {
  readonly program: Program;
  readonly tries: number;
  readonly violation: string;
}

/**
 * Drops and simplifies parts of a failing program while it still breaks the same promise. Big parts first; it ends when
 * no single part can go any more, or when it has tried for long enough.
 */
export async function shrink(failing: Program, violation: string, options: PlayOptions): Promise<Shrunk> {
  const wanted = kindOf(violation);
  let best: Shrunk = { program: failing, tries: 0, violation };
  let tries = 0;
  for (let again = true; again && tries < MOST_TRIES; ) {
    again = false;
    for (const candidate of smaller(best.program)) {
      if (tries >= MOST_TRIES) break;
      tries += 1;
      const { violations } = await play(candidate, options);
      const same = violations.find((one) => kindOf(one) === wanted);
      if (same === undefined) continue;
      best = { program: candidate, tries, violation: same };
      again = true;
      break;
    }
  }
  return { ...best, tries };
}

/** The promise and how it was broken, without names and numbers: the same failure of another program reads the same. */
export function kindOf(violation: string): string {
  const [promise = '', how = ''] = violation.split('\n')[0]?.split(': ') ?? [];
  return `${promise}: ${how}`.replace(/\d+/g, 'N').slice(0, 120);
}

function* smaller(program: Program): Generator<Program> {
  for (const events of withoutParts(program.events)) yield { ...program, events };
  for (const scenes of withoutParts(program.scenes)) yield { ...program, scenes };
  for (const [n, scene] of program.scenes.entries())
    for (const simple of simplerScenes(scene)) yield { ...program, scenes: program.scenes.with(n, simple) };
  for (const [n, event] of program.events.entries())
    for (const simple of simplerEvents(event)) yield { ...program, events: program.events.with(n, simple) };
  if (program.crashShare > 0) yield { ...program, crashShare: 0 };
  if (program.everyActivation) yield { ...program, everyActivation: false };
  if (program.closes) yield { ...program, closes: false };
  yield* simplerAgents(program);
}

/** Without one half, one quarter, …, one part. */
function* withoutParts<Part>(parts: readonly Part[]): Generator<readonly Part[]> {
  for (let size = Math.ceil(parts.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2))
    for (let from = 0; from < parts.length; from += size)
      yield [...parts.slice(0, from), ...parts.slice(from + size)];
}

function* simplerScenes(scene: Scene): Generator<Scene> {
  if (scene.troubles.length > 0) yield { ...scene, troubles: [] };
  if (scene.cap !== 'none') yield { ...scene, cap: 'none' };
  for (const calls of scene.calls.length > 1 ? withoutParts(scene.calls) : [])
    if (calls.length > 0) yield { ...scene, calls };
  for (const [n, call] of scene.calls.entries())
    for (const fates of call.fates.length > 0 ? withoutParts(call.fates) : []) {
      const simple: CallPlan = { ...call, fates };
      yield { ...scene, calls: scene.calls.with(n, simple) };
    }
}

function* simplerEvents(event: Event): Generator<Event> {
  if (event.kind !== 'say' && event.kind !== 'down') return;
  if (event.said.length < (event.kind === 'say' ? 2 : 1)) return;
  for (const said of withoutParts(event.said))
    if (said.length > 0 || event.kind === 'down') yield { ...event, said };
}

function* simplerAgents(program: Program): Generator<Program> {
  const { agent } = program;
  const used = new Set(program.scenes.flatMap(({ calls }) => calls.map(({ tool }) => tool)));
  const last = agent.tools.length - 1;
  if (last > 0 && !used.has(last))
    yield { ...program, agent: { ...agent, tools: agent.tools.slice(0, last) } };
  if (agent.keyed) yield { ...program, agent: { ...agent, keyed: false } };
  if (agent.broken) yield { ...program, agent: { ...agent, broken: false } };
  for (const [n, tool] of agent.tools.entries()) {
    if (tool.hasTerms)
      yield { ...program, agent: { ...agent, tools: agent.tools.with(n, { ...tool, hasTerms: false }) } };
    if (tool.quick)
      yield { ...program, agent: { ...agent, tools: agent.tools.with(n, { ...tool, quick: false }) } };
    const { gate } = tool;
    if (gate.kind !== 'ask') continue;
    const simple = { ...gate, remind: [], escalation: [], quorum: 1, roles: [], people: [] };
    if (JSON.stringify(simple) !== JSON.stringify(gate))
      yield { ...program, agent: { ...agent, tools: agent.tools.with(n, { ...tool, gate: simple }) } };
  }
}
