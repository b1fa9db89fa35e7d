import { plainWord } from './piiTokens.ts';

/**
 * Words by which addresses are known, folded (see `plainWord`). Lists of our own, by language; they hold what stands on
 * street signs and envelopes, never names of single streets or towns.
 */
function listOf(...lines: readonly string[]): ReadonlySet<string> {
  return new Set(lines.join(' ').split(' ').map(plainWord));
}

/** Stand after the name: 14 Crown Street. */
export const STREET_AFTER = listOf(
  'street st str road rd avenue ave av drive dr lane ln court ct boulevard blvd bvd way highway hwy parkway pkwy place pl square sq',
  'terrace ter terr circle cir close crescent cres mews row walk trail trl pike turnpike tpke alley aly loop plaza esplanade',
  'grove gardens gdns parade pde quay wharf rise view vista hill hills heights hts ridge green court point pt crossing xing',
  'bypass causeway expressway freeway fwy junction motorway overpass underpass route rte concourse promenade broadway',
  'meadow meadows mill mills mount mountain orchard oval park parks pass passage path pine pines plain plains port ports prairie',
  'ranch rapid rapids river road roads shoal shoals shore shores skyway spring springs spur station stravenue stream summit',
  'throughway trace track trafficway tunnel turn union unions valley valleys via viaduct village villages ville wall walks ways',
  'well wells bay beach bend bluff bluffs bottom branch bridge brook brooks burg burgs camp canyon cape center centers centre',
  'cliff cliffs club common commons corner corners corso cove coves creek crest curve dale dam divide drives estate estates',
  'extension extensions fall falls ferry field fields flat flats ford fords forest forge forges fork forks fort garden gateway glen',
  'glens greens groves harbor harbors harbour haven hollow inlet island islands isle key keys knoll knolls lake lakes land landing',
  'light lights locks lodge mall manor motorway mission neck squares streets drives avenues crescents lanes',
  // German, Dutch, Nordic, as words of their own
  'strasse gasse weg platz allee ring ufer damm straat laan plein gracht kade singel dijk gata gatan vagen vag vegen veien vej gade',
  'alle chaussee terrasse gate veg stigur stig braut torg torv plads plass stien stig tie katu kuja polku kaari tee tanav puiestee maantee pst mnt',
  // Hungarian, Slavic, Baltic and Turkish
  'utca u ut utja krt korut ter tere korut rakpart setany koz sor fasor',
  'cesta ulica ulice trida namesti namestie nabrezi trg put setaliste ulitsa prospekt gatve g iela pr bulvaris',
  'sokak sokagi sk caddesi cad cd bulvari mahallesi mah meydani',
);

/** Stand before the name: rue de la Paix 5. Some stand on either side. */
export const STREET_BEFORE = listOf(
  'rue r avenue av ave boulevard bd bvd blvd place pl allee allees chemin ch impasse quai cours chaussee route rte ruelle square passage faubourg',
  'via viale v corso piazza piazzale piazzetta largo vicolo strada contrada lungomare localita salita',
  'calle c carrer carretera ctra camino avenida avda avd paseo plaza pza ronda travesia glorieta carrera cra jiron diagonal calzada',
  'callejon rua rue travessa praca alameda estrada rodovia quadra quinta ladeira beco avinguda placa rambla passeig',
  'ul ulica al aleja aleje pl plac os osiedle ulice trida namesti trg ulitsa prospekt pereulok bulvar',
  'улица ул проспект пр переулок пер площадь пл бульвар бул шоссе вулиця вул площа οδος πλατεια λεωφορος λεωφ plateia leoforos odos',
  'jalan jl jln lorong duong strada str bulevardul calea aleea intrarea soseaua piata utca sokak',
  'شارع طريق ميدان רחוב שדרות סמטת',
);

/** These mean a street wherever they stand; the other words above have other meanings too. */
export const STREET_SURE = listOf(
  'street str st road rd avenue ave boulevard blvd bvd lane ln drive dr highway hwy parkway pkwy court ct terrace crescent cres mews',
  'way place pl square sq circle close row alley esplanade strasse gasse straat laan gatan vagen vej vegen weg',
  'rue via viale piazza piazzale piazzetta calle avenida paseo rua praca travessa ul ulica aleja utca ulice trida namesti',
  'улица ул проспект переулок вулиця вул οδος λεωφορος πλατεια jalan jl carrer carretera ruelle impasse chemin',
);

/** How names of streets end where both are one word: Loorenstrasse, Magasinsgatan. */
const ENDINGS: ReadonlySet<string> = new Set(
  [
    ...'strasse str gasse gassl gassli weg platz allee ring ufer damm steig stieg chaussee graben zeile siedlung'.split(
      ' ',
    ),
    ...'straat laan plein gracht kade dijk singel dreef hof pad steeg markt'.split(' '),
    ...'gatan gata gate gaten gade vagen vag vegen veien vej vejen alle torg torget torv plads plass stigen stien straede'.split(
      ' ',
    ),
    ...'katu kuja polku kaari raitti penger'.split(' '),
    ...'tanav puiestee tee maantee gatve iela'.split(' '),
    ...'utca utja'.split(' '),
    ...'street road avenue lane drive'.split(' '),
    ...'ulitsa prospekt'.split(' '),
  ].filter((ending) => ending.length >= 3),
);

/** A folded word that ends as a street does and has a name before that. */
export function endsAsStreet(word: string): boolean {
  for (let length = 3; length <= 9 && length + 3 <= word.length; length++)
    if (ENDINGS.has(word.slice(-length))) return true;
  return false;
}

/** Finnish, Estonian and Nordic streets end in what other words end in too: they count only beside a number. */
export function mayEndAsStreet(word: string): boolean {
  return (
    endsAsStreet(word) ||
    (word.length >= 6 && /(?:tie|ntie|vik|tun|holt|bakken|haugen|veg|sv|gt|vn)$/.test(word.slice(-6)))
  );
}

/** Such a word is enough for an address that has no number. */
export function tellsStreet(word: string): boolean {
  return STREET_SURE.has(word) || STREET_AFTER.has(word) || STREET_BEFORE.has(word) || endsAsStreet(word);
}

export const UNITS = listOf(
  'apt apartment suite ste unit flat floor fl room rm building bldg lot dept penthouse trailer',
  'wohnung whg etage stock stiege stg tur top app appartement appt bat batiment escalier esc piso puerta pta depto',
  'departamento apto apartado bloco interno int scala palazzina lgh leilighet bus boite bte huisnummer byt patro em emelet lok',
);

/** Boxes at a post office: P.O. Box 12. */
export const BOXES = listOf(
  'box postbox pobox postfach postbus apartado casilla boks postboks postilokero skrytka bp cp psc',
);

/** What may stand in lower case within the name of a street or a town. */
export const PARTICLES = listOf(
  'de del della delle dei degli di du des d da do dos das la le les el los las l van der den het ten ter aan am an im bei zum zur',
  'von vom und y e i nad pod u na pri v s z k o ob sur sous en lez of the upon saint st s sv sw',
);

/** Words after which a place follows. Matched against the words before, folded to lower case, one blank between. */
export const PLACE_CUE =
  /\b(?:address(?:es)?(?: (?:is|was|to|of|as|now|with|here|are|they)){0,4}|adresse|dirección|indirizzo|endereço|adres|adresa|cím|osoite|postal|residence|residing|resides?|lives?|lived|living|located|situated|based|(?:office|shop|store|home|house|restaurant|hotel|flat) is|moved|stays?|staying|meet (?:me|us|you|him|her|them)|drops? (?:you|me|us) off|taxi|uber|cab|it is|its|wohn\w*|habite|vive|vivo|abito|moro)(?: (?:at|on|in|to|near|by|is|off|from)){0,2}(?: the)? ?$|\b(?:side|corner|end) of(?: the)? ?$|\benter on ?$/u;

/** Words after which a place follows or something else: `send it to`, `ship my order to`. */
export const SEND_CUE =
  /\b(?:ship|deliver|send|mail|return|post|courier|delivery|sent)(?:ped|ping|ed|ing|s)?(?: \p{L}+){0,4}? (?:to|at)(?: the)? ?$/u;

/** What follows a number or a name without being a place: words that only look like one in a text without capitals. */
export const PLAIN_WORDS = listOf(
  'the a an and or but if in on at to from for with by of is are was were be been it its this that these those i you he she we they',
  'me my your his her our their not no yes please thanks can could will would should shall may might must do does did have has had',
  'what when where who why how which there here then than as so because about after before between into over under again further',
  'once only same too very just also now new one two three some any all each few more most other such own per until while during',
  'against through above below up down out off case contact call phone mobile address addresses zip city name fax desk email mail website order card',
);

/** Plain words that are parts of names where they have a capital: New Road, Over Street. */
export const CAPITAL_NAMES = listOf(
  'the new one two three any all own more most per once under over above below up down out same',
);

/** `Word 12` of another kind: chapters, versions, months, machines. */
export const NOT_STREETS = listOf(
  'chapter section page part version step figure table line item number no nr episode season volume issue day week month year',
  'january february march april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec',
  'monday tuesday wednesday thursday friday saturday sunday windows iphone android galaxy boeing airbus python java node ios',
  'januar februar marz mai juni juli oktober dezember janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre',
  'enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre gennaio febbraio aprile maggio giugno',
  'luglio settembre ottobre dicembre januari februari maart augustus kapitel seite abschnitt artikel absatz teil band nummer zimmer',
  'chapitre partie tome capitolo pagina sezione capitulo articulo hoofdstuk bladzijde psalm',
  'article appendix level grade phase stage round game gate platform track terminal flight bus train route order invoice case ticket',
  'top about over under nearly almost around approximately only just at on in for to of from by and or is was are age aged',
  'total price cost usd eur gbp chf version type model series class group team room rule law act question answer task',
);

/** Names of all countries, in English and some other languages, folded and without marks. */
export const COUNTRIES: ReadonlySet<string> = countryNames();

function countryNames(): ReadonlySet<string> {
  const names = new Set([
    'england',
    'scotland',
    'wales',
    'northernireland',
    'usa',
    'uk',
    'us',
    'uae',
    'holland',
    'czechrepublic',
  ]);
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
  for (const language of ['en', 'de', 'fr', 'es', 'it', 'pt', 'nl']) {
    const display = new Intl.DisplayNames([language], { type: 'region', fallback: 'none' });
    for (const first of letters)
      for (const second of letters) {
        const name = display.of(first + second);
        if (name !== undefined) names.add(plainWord(name));
      }
  }
  return names;
}
