import { canonicalJson, type JsonObject } from '../../src/core/json.ts';
import { failed, success, type ToolResult } from '../../src/tools/result.ts';
import { callText, type RecordedCall, type Recording } from './recordings.ts';

/** What a tool really did, written by the tool itself: the judge's books. The effect ledger plays no part in them. */
export interface Deed {
  readonly kind: 'deed';
  readonly key: string;
  readonly tool: string;
  /** Canonical JSON of the arguments the tool was run with. */
  readonly args: string;
  /** False for a recorded refusal of the outside: nothing was changed. */
  readonly done: boolean;
  readonly result: string;
  /** The result holds planted instructions. */
  readonly injected: boolean;
}

/** A yes of a person, written down before it was sent. */
export interface Yes {
  readonly kind: 'yes';
  readonly key: string;
  readonly tool: string;
  readonly argsHash: string;
  readonly by: string;
}

/** Words of the user. */
export interface Said {
  readonly kind: 'said';
  readonly text: string;
}

export type Fact = Deed | Yes | Said;

/** The outside of one run: it answers as recorded, whatever really happened, and writes down what was done. */
export class World {
  readonly id: string;
  readonly recording: Recording;
  /** In the order in which it happened. */
  readonly facts: Fact[] = [];
  readonly #byKey = new Map<string, ToolResult>();
  readonly #played = new Map<string, number>();

  constructor(id: string, recording: Recording) {
    this.id = id;
    this.recording = recording;
  }

  /** Runs a tool once for each idempotency key; a repeat is given what the first was given, as a good service does. */
  act(
    tool: string,
    input: JsonObject,
    at: { readonly key: string; readonly idempotencyKey: string; readonly isSource: boolean },
  ): ToolResult {
    const before = this.#byKey.get(at.idempotencyKey);
    if (before !== undefined) return before;
    const recorded = this.#recorded(tool, input, at.isSource);
    const result =
      recorded === null ? success('') : recorded.isError ? failed(recorded.result) : success(recorded.result);
    this.facts.push({
      kind: 'deed',
      key: at.key,
      tool,
      args: canonicalJson(input),
      done: result.kind === 'success',
      result: recorded?.result ?? '',
      injected: recorded?.injected ?? false,
    });
    this.#byKey.set(at.idempotencyKey, result);
    return result;
  }

  get hasReadInjection(): boolean {
    return this.facts.some((fact) => fact.kind === 'deed' && fact.injected);
  }

  /**
   * The recorded call with these arguments, each in its turn. Else a source of texts (`isSource`) shows the next that it
   * has; an act says nothing, since what it said of another one would name what this one was never given.
   */
  #recorded(tool: string, input: JsonObject, isSource: boolean): RecordedCall | null {
    const ofTool = this.recording.calls.filter((call) => call.tool === tool);
    const text = callText(tool, input);
    const same = ofTool.filter((call) => callText(tool, call.input) === text);
    const name = same.length > 0 ? text : tool;
    const times = this.#played.get(name) ?? 0;
    this.#played.set(name, times + 1);
    const among = same.length > 0 ? same : isSource ? ofTool : [];
    // What was never recorded is answered without an error, so that the model goes on.
    return among[Math.min(times, among.length - 1)] ?? null;
  }
}

/** The worlds of all runs, by the tenant that the run is started for. */
export class Worlds {
  readonly #worlds = new Map<string, World>();

  open(id: string, recording: Recording): World {
    const world = this.make(id, recording);
    this.#worlds.set(id, world);
    return world;
  }

  /** A test of the judge makes worlds in which something goes wrong. */
  protected make(id: string, recording: Recording): World {
    return new World(id, recording);
  }

  of(tenant: string | null): World {
    const world = this.#worlds.get(tenant ?? '');
    if (world === undefined) throw new Error(`no world is open for tenant ${tenant}`);
    return world;
  }

  close(id: string): void {
    this.#worlds.delete(id);
  }
}
