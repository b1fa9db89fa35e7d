import { FailureError } from '../core/errors.ts';
import type { Hash } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import { textOf } from '../core/messages.ts';
import type { Release } from '../core/release.ts';
import { utf8Bytes } from '../core/text.ts';
import { parseYesNo } from '../guards/rubric.ts';
import type { AskYesNo } from '../guards/subjects.ts';
import { failedCall } from '../models/failedCall.ts';
import { costMicroUsd, worstCaseMicroUsd } from '../models/prices.ts';
import type { ModelRequest } from '../models/provider.ts';
import { failAttempt, openAttempt, settleAttempt } from '../store/answers.ts';
import { clockOf, type Route, takeRoute } from './route.ts';
import type { ActivityServices } from './services.ts';
import type { CallModelInput } from './types.ts';

/** A small model for guards: each question is reserved and settled like any call, and counts as the run's money. */
export interface SmallModel {
  readonly ask: AskYesNo;
  /** What its questions have cost so far. */
  readonly spentMicroUsd: () => number;
}

/**
 * `allowedMicroUsd`: what the run may cost in all. Without money, a model that may be called now, or a clear word the
 * answer is null, and the guard decides by itself.
 */
export function smallModel(
  services: ActivityServices,
  input: CallModelInput,
  release: { readonly hash: Hash; readonly body: Release },
  allowedMicroUsd: number,
  ended: AbortSignal,
): SmallModel {
  const chain = services.models[release.body.models.verify];
  let spent = 0;
  let asked = 0;
  const price = { unpriced: services.unpriced };
  return {
    spentMicroUsd: () => spent,
    ask: async (question) => {
      if (asked >= LIMITS.guardQuestions) return null;
      // No failure of a guard's question leads anywhere else: the guard decides by itself.
      const way = { chain, patienceMs: 0, own: null, tries: [], last: true, clock: clockOf(ended) };
      const taken = await takeRoute(services, way);
      if (taken.kind === 'blocked') return null;
      try {
        return await askAt(taken.route, question);
      } finally {
        taken.route.leave();
      }
    },
  };

  async function askAt(route: Route, { system, text }: Parameters<AskYesNo>[0]): ReturnType<AskYesNo> {
    const { model } = route;
    const request: ModelRequest = {
      model,
      maxOutputTokens: LIMITS.guardOutputTokens,
      system,
      tools: [],
      messages: [{ role: 'user', content: [{ type: 'text', text }] }],
      toolChoice: 'auto',
    };
    const read = utf8Bytes(system) + utf8Bytes(text);
    const worst = worstCaseMicroUsd(model, read, request.maxOutputTokens, new Date(), price);
    asked++;
    const at = { step: input.step, purpose: `guard-${asked}`, model, release: release.hash };
    const ttlMs = LIMITS.guardTimeoutMaxMs;
    const opened = await openAttempt(services.sql, input, at, {
      microUsd: worst,
      mostSpentMicroUsd: allowedMicroUsd - worst,
      needsMicroUsd: worst,
      ttlMs,
      grant: input.grant ?? null,
    });
    if (opened.kind !== 'opened') return null;
    // What an attempt before this one asked and never heard.
    spent += opened.lostMicroUsd;
    const signal = AbortSignal.any([ended, AbortSignal.timeout(ttlMs)]);
    const sent = !signal.aborted;
    try {
      const answer = await services.provider.complete(request, { signal });
      route.answered();
      const cost = costMicroUsd(model, answer.usage, new Date(), price);
      spent += cost;
      await settleAttempt(services.sql, opened.attempt, {
        usage: answer.usage,
        requestId: answer.requestId,
        costMicroUsd: cost,
      });
      return parseYesNo(textOf(answer.content));
    } catch (error) {
      if (!(error instanceof FailureError)) throw error;
      route.failed(error.failure);
      const booked = failedCall(error, { model, sent, ...price });
      await failAttempt(services.sql, opened.attempt, { code: 'guard_failed', ...booked });
      spent += booked.costMicroUsd ?? worst;
      return null;
    }
  }
}
