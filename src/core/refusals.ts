import type { CallOutcome, RefusalCode } from './calls.ts';
import { LIMITS } from './limits.ts';
import { oneLine } from './text.ts';

/**
 * Refusals are results: each is an instruction the model can act on — what happened, whether a retry helps, what to
 * do instead. `detail` is ours or a person's, never an upstream body.
 */
export function refuse(code: RefusalCode, detail = ''): CallOutcome {
  return { kind: 'refused', code, text: textOf(code, detail) };
}

function textOf(code: RefusalCode, detail: string): string {
  switch (code) {
    case 'bad_call':
      return `Not run. ${detail} Correct the call and try once more, or tell the customer what you need.`;
    case 'cut_off':
      return 'Not run: your answer was cut off before it was complete. Make the call again, with a shorter answer around it.';
    case 'denied':
      return `Not run: ${detail}`;
    case 'not_now':
      return `Not run: ${detail}`;
    case 'repeated':
      return 'Not run: you have made exactly this call before and nothing has changed since. Use the result you have, or try something else; the same call once more ends your turn.';
    case 'landing':
      return 'Not run: this turn has reached a limit and is ending.';
    case 'rejected':
      return `Not run: a person decided against it.${detail ? ` Their reason: "${oneLine(detail, LIMITS.toldReasonChars)}".` : ''} Do not try it again; tell the customer and offer what else you can do.`;
    case 'expired':
      return 'Not run: nobody decided in time. You may ask again if the customer still wants it.';
    case 'withdrawn':
      return 'Not run: the customer wrote something new while the request was waiting for approval. Read it first; make the call again if it is still wanted.';
    case 'handed_over':
      return 'Not run: a person is taking over this conversation.';
    case 'cancelled':
      return 'Not run: the conversation was cancelled.';
    case 'switched_off':
      return `Not run: this action is switched off at the moment (${detail}). A retry will not help now; tell the customer, or hand over.`;
    case 'not_approved':
      return `Not run: the approval does not stand (${detail}). Make the call again if it is still wanted.`;
    case 'terms_changed':
      return 'Not run: what it was allowed for has changed since (price, state or balance). Look again, and ask the customer before you try once more.';
    case 'void':
      return 'Not done: the attempt failed and was closed; nothing happened. You may make the call again.';
    case 'unknown_outcome':
      return 'It is not known whether this happened, and a person could not settle it. Do not say that it was done or that it was not; do not try again; say that it is being looked into.';
    case 'release_not_here':
      return 'Not run: the version of this tool that the conversation was started with is no longer available. Hand over to a person.';
    case 'too_many_calls':
      return 'Not run: too many calls at once. Make it again in a later step if you still need it.';
    case 'rate_limited':
      return `Not run: this action is used too often (the limit is ${detail}). Go on without it, or tell the customer.`;
    case 'unavailable':
      return 'Could not look: the source did not answer. This does not mean that nothing is there. Do not guess; try once more later, or tell the customer that you cannot check right now.';
    default:
      return code satisfies never;
  }
}

/** A note from the system inside a user message, marked so that nobody takes it for the customer's words. */
export function notice(text: string): string {
  return `<notice>\n${text}\n</notice>`;
}

/** Whether a text of the conversation is one of our notices. A customer's cannot be: see `unnoticed`. */
export function isNotice(text: string): boolean {
  return text.startsWith('<notice>\n');
}

/** A customer's text in which nothing looks like a notice of ours. */
export function unnoticed(text: string): string {
  return text.replace(/<(?=\s*\/?\s*notice)/gi, '‹');
}
