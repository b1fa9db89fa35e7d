/** For whom a run acts. Effects run with this identity, also when somebody else approved them. */
export interface Requester {
  readonly id: string;
  readonly tenant: string | null;
  readonly roles: readonly string[];
}
