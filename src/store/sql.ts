import pg from 'pg';

// What a statement looks like here, and how it reaches the driver.

/** What a statement may be given: a value, or a part of its text. An object is sent as its JSON. */
export type Parameter =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly Parameter[]
  | Part
  // A promise is a statement that nobody waits for.
  | (object & { readonly then?: never });

/** A piece of a statement, to be written into others. */
export class Part {
  readonly strings: TemplateStringsArray;
  readonly values: readonly Parameter[];
  constructor(strings: TemplateStringsArray, values: readonly Parameter[]) {
    this.strings = strings;
    this.values = values;
  }
}

export function part(strings: TemplateStringsArray, ...values: readonly Parameter[]): Part {
  return new Part(strings, values);
}

/** The rows of an answer, and how many rows the statement has read or changed. */
export type Rows<Row> = Row & { readonly count: number };

/** Statements, each sent as soon as it is written, with its values beside it. */
export interface Statements {
  <Row extends readonly unknown[] = readonly Record<string, unknown>[]>(
    strings: TemplateStringsArray,
    ...values: readonly Parameter[]
  ): Promise<Rows<Row>>;
  /** The text as it is, `$1` for the first value; without values it may be several statements. */
  unsafe<Row extends readonly unknown[] = readonly Record<string, unknown>[]>(
    text: string,
    values?: readonly Parameter[],
  ): Promise<Rows<Row>>;
}

/** Statements of one transaction. Once it is over, and once its connection is lost, each of them rejects. */
export interface Transaction extends Statements {
  /** The rows of one statement, `size` at a time: what is not asked for is not read. */
  batches<Row>(size: number): Batches<Row>;
}

export type Batches<Row> = (
  strings: TemplateStringsArray,
  ...values: readonly Parameter[]
) => AsyncIterable<readonly Row[]>;

/** A pool of connections to the store. */
export interface Sql extends Statements {
  /**
   * All of the work or nothing. `mode`: as `begin` takes it, `read only` say. Rejects with what the work throws, and with
   * what a statement met although the work went on. With a lost connection nobody knows of a commit that was on its way.
   */
  begin<Result>(work: (tx: Transaction) => Promise<Result>): Promise<Result>;
  begin<Result>(mode: string, work: (tx: Transaction) => Promise<Result>): Promise<Result>;
  /**
   * Hears notifications on a connection of its own, which comes back by itself; `onListening` is called each time that it
   * is there. Rejects when the database is away now.
   */
  listen(
    channel: string,
    onPayload: (payload: string) => void,
    onListening?: () => void,
  ): Promise<{ unlisten(): Promise<void> }>;
  /** Waits for what is under way, at most for `timeoutMs` (default five seconds), and then ends every connection. */
  end(options?: { readonly timeoutMs?: number }): Promise<void>;
}

export interface Statement {
  readonly text: string;
  readonly values: readonly Parameter[];
  /** The server keeps what it has made of the text under this name. */
  readonly name?: string;
}

const names = new Map<string, string>();
const written = new WeakMap<TemplateStringsArray, { readonly text: string; readonly name: string }>();

/** A template becomes one text for all its calls, so that a connection prepares it once. */
export function statementOf(strings: TemplateStringsArray, values: readonly Parameter[]): Statement {
  if (values.some((value) => value instanceof Part)) {
    const all: Parameter[] = [];
    return { ...named(flatten(strings, values, all)), values: parameters(all) };
  }
  let known = written.get(strings);
  if (known === undefined) {
    known = named(flatten(strings, values, []));
    written.set(strings, known);
  }
  return { ...known, values: parameters(values) };
}

/** The text with its parts written out; `all` takes the values that go beside it. */
function flatten(
  strings: TemplateStringsArray,
  values: readonly Parameter[],
  all: (Parameter | undefined)[],
): string {
  let text = strings[0] ?? '';
  for (const [i, value] of values.entries()) {
    text += value instanceof Part ? flatten(value.strings, value.values, all) : `$${all.push(value)}`;
    text += strings[i + 1] ?? '';
  }
  return text;
}

/** As many as there are ways to write a statement here: text of others is a value, never a part. */
function named(text: string): { readonly text: string; readonly name: string } {
  let name = names.get(text);
  if (name === undefined) {
    name = `h${names.size + 1}`;
    names.set(text, name);
  }
  return { text, name };
}

/** Values as the driver may have them. A value that is missing is a mistake of the caller's: NULL is written `null`. */
export function parameters(values: readonly (Parameter | undefined)[]): readonly Parameter[] {
  return values.map((value, i) => {
    if (value === undefined) throw new TypeError(`value ${i + 1} of a statement is undefined: NULL is null`);
    return value instanceof Date ? value.toISOString() : value;
  });
}

const { builtins } = pg.types;
/** Of arrays of 64-bit integers; the driver has no name for it. */
const BIGINTS = 1_016 as (typeof builtins)['INT8'];

/** 64-bit integers come back as numbers: none of ours leaves the safe range. */
export function typesOf(): pg.CustomTypesConfig {
  const types = new pg.TypeOverrides();
  types.setTypeParser(builtins.INT8, Number);
  const texts = pg.types.getTypeParser(BIGINTS, 'text') as (text: string) => string[];
  types.setTypeParser(BIGINTS, (text) => texts(text).map(Number));
  // A day or a time without a zone is meant as UTC, wherever this process runs.
  types.setTypeParser(builtins.DATE, (text) => new Date(text));
  types.setTypeParser(builtins.TIMESTAMP, (text) => new Date(`${text.replace(' ', 'T')}Z`));
  return { getTypeParser: (oid, format) => types.getTypeParser(oid, format) };
}
