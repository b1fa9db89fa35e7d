// One text in the forms in which it is looked at. This runs in activities only, where Unicode may be Node's.

const FOREIGN_ONE = /\P{ASCII}/u;
/** Runs outside of ASCII, each with the letter before it: a combining mark belongs to that. */
const FOREIGN = /\p{ASCII}?\P{ASCII}+/gu;
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
  if (!FOREIGN_ONE.test(whole)) return whole;
  return whole.replace(FOREIGN, (run) =>
    run.normalize('NFKC').replace(INVISIBLE, '').replace(DIGIT, digit).replace(DASH, '-'),
  );
}

/** Like `plain`, in lower case, and with letters that look like a Latin one taken for it: the form for suspicion. */
export function alike(text: string): string {
  const lower = plain(text).toLowerCase();
  if (!FOREIGN_ONE.test(lower)) return lower;
  return lower
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/\P{ASCII}/gu, (character) => LOOKALIKES.get(character) ?? character);
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
