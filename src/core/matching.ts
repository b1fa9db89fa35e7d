import type { PolicyFacts, RuleMatch } from './policy.ts';

// Whether a rule's match holds for a call. Arithmetic on the workflow's time only: it has to replay.

type Test<Member extends keyof RuleMatch> = (
  wanted: NonNullable<RuleMatch[Member]>,
  facts: PolicyFacts,
) => boolean;

/** One test a member; a new member of `RuleMatch` does not compile without one. */
const TESTS: { readonly [Member in keyof Required<RuleMatch>]: Test<Member> } = {
  tools: (tools, { tool }) => tools.includes(tool),
  tiers: (tiers, { tier }) => tiers.includes(tier),
  categories: (categories, { category }) => categories.includes(category),
  amount: (range, facts) => {
    const amount = knownAmount(facts);
    if (amount === null || amount.currency !== range.currency) return false;
    return amount.value >= (range.from ?? -Infinity) && amount.value < (range.below ?? Infinity);
  },
  amountUnknown: (_, facts) => knownAmount(facts) === null,
  untrustedSeen: (_, { taint }) => taint.untrustedSeen,
  privateRead: (_, { taint }) => taint.privateRead,
  suspicious: (_, { taint }) => taint.suspicious,
  origins: (wanted, { origins }) => origins.some(({ from }) => wanted.includes(from)),
  firstTime: (names, { firstOf }) =>
    firstOf.some((one) => one === ANY_CLASS || names.includes(classNameOf(one))),
  hours: (hours, { nowMs }) => inHours(hours, nowMs),
  tenants: (tenants, { requester }) => requester.tenant !== null && tenants.includes(requester.tenant),
  roles: (roles, { requester }) => roles.some((role) => requester.roles.includes(role)),
};

const MEMBERS = Object.keys(TESTS) as readonly (keyof RuleMatch)[];

/** The first member of a match that does not hold; null when all hold. */
export function mismatch(match: RuleMatch, facts: PolicyFacts): keyof RuleMatch | null {
  return MEMBERS.find((member) => !holds(member, match, facts)) ?? null;
}

function holds<Member extends keyof RuleMatch>(
  member: Member,
  match: RuleMatch,
  facts: PolicyFacts,
): boolean {
  const wanted: RuleMatch[Member] = match[member];
  return wanted === undefined || TESTS[member](wanted as NonNullable<RuleMatch[Member]>, facts);
}

function knownAmount({ amount }: PolicyFacts): PolicyFacts['amount'] {
  return amount !== null && Number.isFinite(amount.value) ? amount : null;
}

/** Stands in `firstOf` when a call's classes could not be known: it may be the first of any, so every `firstTime` holds. */
export const ANY_CLASS = '*';

/** `refund-to` of `refund-to:card_1`. */
function classNameOf(text: string): string {
  const colon = text.indexOf(':');
  return colon < 0 ? text : text.slice(0, colon);
}

export const MINUTES_A_DAY = 24 * 60;
const MINUTE_MS = 60_000;

/** Whether a time (milliseconds since 1970) is between two times of day. Anything that is no time of day holds never. */
export function inHours(hours: NonNullable<RuleMatch['hours']>, nowMs: number): boolean {
  const from = minuteOf(hours.from);
  const to = minuteOf(hours.to);
  if (from === null || to === null) return false;
  const passed = Math.floor(nowMs / MINUTE_MS) + (hours.offsetMinutes ?? 0);
  const minute = ((passed % MINUTES_A_DAY) + MINUTES_A_DAY) % MINUTES_A_DAY;
  return from <= to ? from <= minute && minute < to : from <= minute || minute < to;
}

/** Minute of the day of `HH:MM`, 00:00 to 23:59; null for any other text. */
export function minuteOf(text: string): number | null {
  const parts = /^([01][0-9]|2[0-3]):([0-5][0-9])$/.exec(text);
  return parts === null ? null : Number(parts[1]) * 60 + Number(parts[2]);
}
