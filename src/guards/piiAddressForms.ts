import type { Line } from './piiAddressLine.ts';
import { postcodeEnd, tailOf } from './piiAddressTail.ts';
import { BOXES } from './piiAddressWords.ts';

/** An address from the token `from` to `to`, exclusive, or none that begins before `to`. */
export interface Place {
  readonly kind: 'address' | 'nothing';
  readonly from: number;
  readonly to: number;
}

/** Words that one of the forms below begins with, so that others cost one look. */
const FIRST_WORDS = new Set(
  (
    'po unit usns usnv uss uscg uscgc hms hmcs hmas rfa apo fpo dpo apt apartment suite ste wohnung whg the corner intersection ' +
    'junction postal zip zipcode postcode postalcode plz postleitzahl postnummer cap cep'
  ).split(' '),
);

/** An address that needs no street, and that begins at this token: boxes, flats, corners, what a label announces. */
export function formAt(line: Line, at: number): Place | null {
  const first = line.isHouse(at) && !line.isHouse(at + 1) ? at + 1 : at;
  const word = line.word(first);
  if (!FIRST_WORDS.has(word) && !BOXES.has(word) && !LABELS.has(word)) return null;
  return boxAt(line, at, first) ?? cornerAt(line, at) ?? postcodeAt(line, at) ?? labelledAt(line, at);
}

/** Boxes of a post office, mail of armed forces, and flats that stand alone. */
function boxAt(line: Line, at: number, first: number): Place | null {
  const end = boxEnd(line, first) ?? forcesEnd(line, first) ?? (first === at ? flatEnd(line, at) : null);
  return end === null ? null : { kind: 'address', from: at, to: tailOf(line, end).to };
}

function boxEnd(line: Line, from: number): number | null {
  let at = from;
  if (line.word(at) === 'po') at += line.text(at + 1) === '.' ? 2 : 1;
  const isBox = BOXES.has(line.word(at));
  if (!isBox || (line.word(at) === 'box' && at === from)) return null;
  if (line.word(at).length < 3 && !line.isCapital(at)) return null;
  const number = /^[.#:]$/.test(line.text(at + 1)) ? at + 2 : at + 1;
  if (!line.isHouse(number)) return null;
  const more = line.text(number + 1) === ',' ? number + 2 : number + 1;
  return line.word(more) === 'box' && line.isHouse(more + 1) ? more + 2 : number + 1;
}

const VESSEL = /^(?:USN[SV]|USS|USCGC?|HMS|HMCS|HMAS|RFA)$/i;

/** `Unit 4719 Box 7394`, `USNV Vincent` with the post office of the forces behind it, or that one alone. */
function forcesEnd(line: Line, at: number): number | null {
  if (line.word(at) === 'unit' && line.isHouse(at + 1)) {
    const box = line.text(at + 2) === ',' ? at + 3 : at + 2;
    return line.word(box) === 'box' && line.isHouse(box + 1) ? box + 2 : null;
  }
  if (VESSEL.test(line.text(at))) {
    for (let i = at + 1; i < at + 6; i++) if (forcesOffice(line, i)) return i + 2;
    return null;
  }
  return forcesOffice(line, at) ? at + 2 : null;
}

function forcesOffice(line: Line, at: number): boolean {
  return /^[AFD]PO$/i.test(line.text(at)) && /^A[AEP]$/i.test(line.text(at + 1)) && line.isNumber(at + 2);
}

/** Words that name nothing but a flat. */
const FLATS = new Set(['apt', 'apartment', 'suite', 'ste', 'wohnung', 'whg']);

function flatEnd(line: Line, at: number): number | null {
  if (!FLATS.has(line.word(at)) || !line.isUnit(at)) return null;
  return /^[.#:]$/.test(line.text(at + 1)) ? at + 3 : at + 2;
}

/** `the corner of … and …` */
function cornerAt(line: Line, from: number): Place | null {
  const corner = line.word(from) === 'the' ? from + 1 : from;
  if (!/^(?:corner|intersection|junction)$/.test(line.word(corner)) || line.word(corner + 1) !== 'of')
    return null;
  let to = corner + 2;
  for (let at = to; at < corner + 20; at++) {
    const isShort = line.isAbbreviation(at) && line.text(at + 1) === '.';
    if (line.isName(at) || line.isHouse(at) || isShort) to = at + 1;
    else if (
      !line.isParticle(at) &&
      line.word(at) !== 'and' &&
      line.text(at) !== '.' &&
      line.text(at) !== '&'
    )
      break;
  }
  return to > corner + 3 ? { kind: 'address', from, to: tailOf(line, to).to } : null;
}

const POSTCODE_LABEL = /^(?:zip|zipcode|postcode|postalcode|plz|postleitzahl|postnummer|cap|cep|psc)$/;

/** A postcode that a label announces. */
function postcodeAt(line: Line, from: number): Place | null {
  const isPostal = /^postal$/.test(line.word(from)) && line.word(from + 1) === 'code';
  if (!isPostal && !POSTCODE_LABEL.test(line.word(from))) return null;
  for (let at = from + 1; at < from + 9; at++) {
    const to = postcodeEnd(line, at);
    if (to !== null) return { kind: 'address', from: at, to };
    if (!/^(?:code|is|nr|no|number)$/.test(line.word(at)) && !/^["'`:=#.\\]$/.test(line.text(at)))
      return null;
  }
  return null;
}

const LABELS = new Set(
  (
    'address addressline streetaddress homeaddress postaladdress mailingaddress billingaddress shippingaddress deliveryaddress ' +
    'adresse anschrift direccion indirizzo endereco adres adresa cim osoite adress'
  ).split(' '),
);

/** What a label calls an address, up to the end of its line, quotation or sentence, if it has a number and a word. */
function labelledAt(line: Line, at: number): Place | null {
  if (!LABELS.has(line.word(at))) return null;
  let from = at + 1;
  while (
    from < at + 8 &&
    (/^["'`:=\\_]$/.test(line.text(from)) || line.isBreak(from) || /^[12]$/.test(line.text(from)))
  )
    from++;
  if (!line.some(at + 1, from, (i) => line.text(i) === ':' || line.text(i) === '=')) return null;
  let to = from;
  while (to < from + 30 && to < line.length && !endsLabelled(line, to)) to++;
  const numbers = line.count(from, to, 'number');
  const words = line.count(from, to, 'word');
  if (numbers === 0 || words === 0 || (to < line.length && line.text(to) === '')) return null;
  if (line.some(from, to, (i) => line.text(i) === ':' || line.text(i) === '=')) return null;
  return { kind: 'address', from, to: tailOf(line, to).to };
}

/** A break, a mark that closes, a full stop that is no abbreviation's, or two plain words in a row: a sentence. */
function endsLabelled(line: Line, at: number): boolean {
  if (line.isBreak(at) || /^["`{}[\];\\]?$/.test(line.text(at))) return true;
  if (line.text(at) === '.') return line.isBreak(at + 1) || line.word(at - 1).length > 4;
  return isPlain(line, at) && isPlain(line, at + 1);
}

function isPlain(line: Line, at: number): boolean {
  return line.word(at) !== '' && !line.isName(at) && !line.isParticle(at);
}
