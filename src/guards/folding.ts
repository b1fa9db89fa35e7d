import { LIMITS } from '../core/limits.ts';

// One text in the forms in which it is looked at. This runs in activities only, where Unicode may be Node's.

/**
 * Characters outside of ASCII that fold to themselves: most of what is written in Latin, Greek, Cyrillic, Chinese,
 * Japanese and Korean. Only for speed; a test compares.
 */
const SETTLED =
  '\\u00a1-\\u00a7\\u00a9\\u00ab\\u00ac\\u00ae\\u00b0\\u00b1\\u00b6\\u00b7\\u00bb\\u00bf-\\u0131\\u0134-\\u013e\\u0141-\\u0148' +
  '\\u014a-\\u017e\\u0391-\\u03a1\\u03a3-\\u03ce\\u0400-\\u0482\\u048a-\\u052f\\u05d0-\\u05ea\\u0620-\\u064a\\u2018-\\u2023\\u20a0-\\u20a7\\u20a9-\\u20bf' +
  '\\u3001-\\u3002\\u3041-\\u3096\\u30a1-\\u30fa\\u4e00-\\u9fff\\uac00-\\ud7a3';
/** Runs of others, each with the character before it: a combining mark belongs to that. */
const UNSETTLED = new RegExp(`[^]?[^\\p{ASCII}${SETTLED}]+`, 'gu');
const FOREIGN = /\P{ASCII}+/gu;
const IS_FOREIGN = /\P{ASCII}/u;
const INVISIBLE = /[\p{Default_Ignorable_Code_Point}\p{Cf}\u2800]/gu;
const DIGIT = /\p{Nd}/gu;
const DASH = /\p{Pd}|\u2212/gu;
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|(["\\/bfnrt]))/g;

/**
 * The text as its reader takes it: compatibility forms, digits of every script, dashes and escapes of JSON as plain
 * characters, without what nobody sees. Letters stay letters of their own script: two that look alike are two names.
 */
export function plain(text: string): string {
  const whole = text.includes('\\') ? text.replace(ESCAPE, unescaped) : text;
  if (!IS_FOREIGN.test(whole)) return whole;
  return whole.replace(
    UNSETTLED,
    remembered((run) =>
      run.normalize('NFKC').replace(INVISIBLE, '').replace(DIGIT, digit).replace(DASH, '-'),
    ),
  );
}

/** Like `plain`, in lower case, and with letters that look like a Latin one taken for it: the form for suspicion. */
export function alike(text: string): string {
  const lower = plain(text).toLowerCase();
  if (!IS_FOREIGN.test(lower)) return lower;
  return lower.replace(
    FOREIGN,
    remembered((run) =>
      [...run.normalize('NFKD').replace(/\p{M}/gu, '')].map((one) => LOOKALIKES.get(one) ?? one).join(''),
    ),
  );
}

/** Texts repeat themselves: what was folded once in a text is known. */
function remembered(fold: (run: string) => string): (run: string) => string {
  const known = new Map<string, string>();
  return (run) => {
    const before = known.get(run);
    if (before !== undefined) return before;
    const folded = fold(run);
    if (run.length <= LIMITS.foldedRunChars && known.size < LIMITS.foldedRuns) known.set(run, folded);
    return folded;
  };
}

function unescaped(_: string, hex: string | undefined, short: string | undefined): string {
  if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
  return short !== undefined && 'bfnrt'.includes(short) ? ' ' : (short ?? '');
}

/** Digits stand in rows of ten, zero first. */
function digit(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x80) return character;
  let zero = code;
  while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--;
  return String(code - zero);
}

/** Cyrillic, Greek and other letters, lower case, and the Latin letter each is drawn as. */
const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: 'аɑα',
    b: 'ьƅв',
    c: 'сϲᴄ',
    d: 'ԁɗ',
    e: 'еҽε℮',
    f: 'ſғ',
    g: 'ɡց',
    h: 'һհн',
    i: 'іɩιıӏ',
    j: 'јϳ',
    k: 'кκ',
    l: 'ⅼǀ',
    m: 'мⅿ',
    n: 'ոп',
    o: 'оοօσ',
    p: 'рρ',
    q: 'ԛզ',
    r: 'гᴦ',
    s: 'ѕꜱ',
    t: 'тτ',
    u: 'υսʋ',
    v: 'ѵν',
    w: 'ԝωա',
    x: 'хχ',
    y: 'уүγ',
    z: 'ᴢ',
  }).flatMap(([latin, others]) => [...others].map((one) => [one, latin] as const)),
);
