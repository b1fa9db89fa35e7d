/** The model names of the API that a request may name, newest first. Any other name is answered with 404. */
export const KNOWN_MODELS: readonly string[] = [
  'claude-fable-5-2',
  'claude-mythos-5-2',
  'claude-haiku-5-5',
  'claude-sonnet-5-5',
  'claude-fable-5-1',
  'claude-opus-5-5',
  'claude-mythos-5-1',
  'claude-sonnet-5',
  'claude-fable-5',
  'claude-mythos-5',
  'claude-opus-5',
  'claude-opus-4-8',
  'claude-opus-4-7',
  'claude-mythos-preview',
  'claude-opus-4-6',
  'claude-sonnet-4-6',
  'claude-haiku-4-5',
  'claude-haiku-4-5-20251001',
  'claude-opus-4-5',
  'claude-opus-4-5-20251101',
  'claude-sonnet-4-5',
  'claude-sonnet-4-5-20250929',
];

const NEWEST = /^claude-((opus|sonnet|haiku)-5-5|(fable|mythos)-5-[12])/;
const THINKS_ALWAYS = /^claude-(opus-5-5|fable-5-1)/;
const BUDGETED_THINKING = /^claude-(opus|sonnet|haiku)-4-[56]/;
const SMALL = /^claude-(haiku|sonnet)-4-5/;

/** The newest family answers `tool_choice` `any` and `tool` with 400. */
export function refusesForcedTool(model: string): boolean {
  return NEWEST.test(model);
}

/** Why this model refuses this kind of thinking, or null when it takes it. */
export function thinkingProblem(model: string, kind: string): string | null {
  if (kind === 'enabled' && model.startsWith('claude-') && !BUDGETED_THINKING.test(model))
    return `thinking: type "enabled" is not supported by ${model}; use "adaptive"`;
  if (kind === 'disabled' && (THINKS_ALWAYS.test(model) || model.startsWith('claude-sonnet-5-5')))
    return `thinking: type "disabled" is not supported by ${model}`;
  return null;
}

/** The most output tokens one answer of this model may have. */
export function maximumOutputTokens(model: string): number {
  return SMALL.test(model) ? 64_000 : 128_000;
}

/** One entry of `GET /v1/models`, without capabilities, which the API may leave null. */
export function modelInfo(id: string) {
  const deprecated = id.startsWith('claude-sonnet-4-5');
  return {
    type: 'model',
    id,
    display_name: id,
    created_at: '2026-01-01T00:00:00Z',
    capabilities: null,
    line: null,
    lifecycle: deprecated ? 'deprecated' : 'active',
    deprecated_at: deprecated ? '2026-09-30T00:00:00Z' : null,
    retires_at: deprecated ? '2026-11-30T00:00:00Z' : null,
    max_input_tokens: SMALL.test(id) ? 200_000 : 1_000_000,
    max_tokens: maximumOutputTokens(id),
  } as const;
}
