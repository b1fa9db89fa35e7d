import { LIMITS } from '../core/limits.ts';
import { utf8Bytes } from '../core/text.ts';

/** What makes a text unfit to be read at all, in the order in which it is looked for. */
export type ShapeFault =
  | 'too_long'
  | 'not_text'
  | 'empty'
  | 'control_characters'
  | 'invisible_characters'
  | 'repetition';

export type ShapeVerdict =
  | { readonly kind: 'pass' }
  /** `reply` is for the user: what is wrong and what to do. */
  | { readonly kind: 'block'; readonly why: ShapeFault; readonly reply: string };

export interface ShapeOptions {
  /** Most bytes of the text in UTF-8. Default: the longest message there is. */
  readonly maxBytes?: number;
}

/** Whether a text has the shape of a message: size, encoding, and that it says something. Time linear in the text. */
export function checkShape(text: string, options: ShapeOptions = {}): ShapeVerdict {
  const maxBytes = options.maxBytes ?? LIMITS.messageBytes;
  const why = faultOf(text, maxBytes);
  return why === null ? { kind: 'pass' } : { kind: 'block', why, reply: replyTo(why, maxBytes) };
}

function faultOf(text: string, maxBytes: number): ShapeFault | null {
  if (text.length > maxBytes || utf8Bytes(text) > maxBytes) return 'too_long';
  if (NOT_TEXT.test(text)) return 'not_text';
  const controls = text.match(CONTROLS)?.length ?? 0;
  if (controls > LIMITS.strayCharacters && controls > text.length * LIMITS.controlShare)
    return 'control_characters';
  const invisible = text.match(INVISIBLE)?.length ?? 0;
  const blank = text.match(BLANK)?.length ?? 0;
  if (controls + invisible + blank >= text.length) return invisible > 0 ? 'invisible_characters' : 'empty';
  if (invisible > LIMITS.strayCharacters && invisible > text.length * LIMITS.invisibleShare)
    return 'invisible_characters';
  return repeats(text) ? 'repetition' : null;
}

/** Half of a character without its other half, or NUL: neither the store nor a model takes these. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const NOT_TEXT = /[\u0000\ud800-\udfff]/u;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const CONTROLS = /[\u0001-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g;
/** What no font draws, except for what joins emoji and what Persian and Indian scripts need. */
const INVISIBLE = /(?!\u200c|\u200d|[\ufe00-\ufe0f])\p{Default_Ignorable_Code_Point}/gu;
const BLANK = /\s/g;

/** One sign thousands of times, or a long text made of very few different pieces. */
function repeats(text: string): boolean {
  let run = 1;
  for (let at = 1; at < text.length; at++) {
    run = text.charCodeAt(at) === text.charCodeAt(at - 1) ? run + 1 : 1;
    if (run >= LIMITS.repeatedSigns) return true;
  }
  if (text.length < LIMITS.repetitionChars) return false;
  const pieces = new Set<string>();
  const enough = text.length * LIMITS.repetitionShare;
  for (let at = 0; at + PIECE <= text.length; at++) {
    pieces.add(text.slice(at, at + PIECE));
    if (pieces.size > enough) return false;
  }
  return true;
}

const PIECE = 12;

function replyTo(why: ShapeFault, maxBytes: number): string {
  switch (why) {
    case 'too_long':
      return `Your message is too long: at most ${Math.floor(maxBytes / 1024)} KB can be read at once. Please shorten it or send it in parts.`;
    case 'not_text':
      return 'Your message has characters that are broken, so it could not be read. Please type it again, or paste it as plain text.';
    case 'empty':
      return 'Your message was empty. Please write what you need.';
    case 'control_characters':
      return 'Your message has too many control characters to be read. Please paste it as plain text.';
    case 'invisible_characters':
      return 'Your message has many characters that cannot be seen. Please type it again, or paste it as plain text.';
    case 'repetition':
      return 'Your message repeats the same signs over and over. Please write in your own words what you need.';
    default:
      return why satisfies never;
  }
}
