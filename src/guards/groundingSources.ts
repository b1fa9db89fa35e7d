/** A text that a run has been given, or that it wrote. */
export interface Source {
  /** Who gave the text. The agent's own earlier words prove nothing; they only tell which seen amounts are talked about. */
  readonly by: 'tool' | 'user' | 'operator' | 'assistant';
  readonly text: string;
}
