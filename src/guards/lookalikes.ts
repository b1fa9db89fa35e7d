/**
 * Letters that look like Latin ones and that NFKC leaves as they are. Keys are lower case and without marks: whoever
 * folds has lowered and decomposed the text before.
 */
const PAIRS: readonly (readonly [string, string])[] = [
  // Cyrillic
  ['агекмнорстухьіјѕԁһӏԛԝѵ', 'arekmhopctyxbijsdhlqwv'],
  // Greek
  ['αβγεηικνορτυχωϲϳ', 'abyenikvoptuxwcj'],
  // Small capitals and phonetic letters
  ['ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢɑɡɩıȷ', 'abcdefghijklmnoprstuvwyzagiij'],
  // Latin letters with a stroke or a hook
  ['øđłħŧƀƈɗɓɠƙƥƭ', 'odlhtbcdbgkpt'],
];

export const LOOKALIKES: ReadonlyMap<string, string> = new Map(
  PAIRS.flatMap(([foreign, latin]) =>
    [...foreign].map((letter, index) => [letter, latin[index] ?? letter] as const),
  ),
);

/** Digits and signs that stand for letters inside of a word. */
export const LEET: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
};

/** First code points of runs of 26 letters that NFKC does not take back to a to z. */
export const LETTER_RUNS: readonly number[] = [0x1f150, 0x1f170, 0x1f1e6];
