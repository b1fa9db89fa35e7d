/** Money as people and policies state it. Amounts are decimal numbers in the currency's major unit (12.5 = $12.50). */
export interface Amount {
  readonly value: number;
  /** ISO 4217. */
  readonly currency: string;
}

export function usd(value: number): Amount {
  return { value, currency: 'USD' };
}

/** `12.50 USD`. Written without locale methods, which differ between Node versions and would break a replay. */
export function formatAmount(amount: Amount): string {
  return `${amount.value.toFixed(2)} ${amount.currency}`;
}

/** Micro-dollars as `$0.0123`; four decimals, because a model call costs less than a cent. */
export function formatMicroUsd(microUsd: number): string {
  return `$${(microUsd / 1_000_000).toFixed(4)}`;
}
