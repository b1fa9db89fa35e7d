import type { RunId } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import type { Requester } from '../core/requester.ts';
import { type Guard, runGuards } from '../guards/guard.ts';
import type { OutputSubject } from '../guards/subjects.ts';
import type { ToolResult } from '../tools/result.ts';
import { type Rendered, render, textFor, withText } from './outcome.ts';
import type { Privacy } from './privacy.ts';

/** Whose result it is, and for whom. */
export interface Presented {
  readonly run: RunId;
  readonly tool: string;
  readonly requester: Requester;
  readonly reads: 'public' | 'private';
  /** The untrusted tool whose words these are; null for words that are trusted. */
  readonly author: string | null;
  /** It is a look-up: what could not be read must not be taken for what is not there. */
  readonly isLookUp: boolean;
  /** What all guards together may take. What they have not judged by then is withheld. */
  readonly withinMs: number;
}

/** A tool's result on its way to the model: judged, then fenced and cut. What a guard withheld is not even stored. */
export async function present(
  guards: readonly Guard<OutputSubject>[],
  privacy: Privacy,
  at: Presented,
  result: ToolResult,
): Promise<Rendered> {
  const { tool, requester, reads, author } = at;
  const { text } = textFor(result);
  const subject: OutputSubject = {
    text: privacy.secrets(text),
    tool,
    requester,
    reads,
    returns: author === null ? 'trusted' : 'untrusted',
  };
  const judged = await runGuards(guards, subject, at.withinMs);
  const kept =
    judged.stop === null
      ? judged.text
      : `The result was withheld (${judged.stop.why.slice(0, LIMITS.guardWhyChars)}). Do not guess what it said.`;
  return render(kept === text ? result : withText(result, kept), {
    fence: author === null ? null : { run: at.run, tool: author },
    isLookUp: at.isLookUp,
    suspicious: judged.notes.some((note) => note.kind === 'flag' || note.kind === 'block'),
  });
}
