import type { Hash } from '../core/ids.ts';
import { LIMITS } from '../core/limits.ts';
import { textOf } from '../core/messages.ts';
import type { Release } from '../core/release.ts';
import { utf8Bytes } from '../core/text.ts';
import { parseYesNo } from '../guards/rubric.ts';
import type { AskYesNo } from '../guards/subjects.ts';
import { ModelCallError } from '../models/classify.ts';
import { costMicroUsd, worstCaseMicroUsd } from '../models/prices.ts';
import type { ModelRequest } from '../models/provider.ts';
import { failAttempt, openAttempt, settleAttempt } from '../store/answers.ts';
import type { ActivityServices } from './services.ts';
import type { CallModelInput } from './types.ts';

/** A small model for guards: each question is reserved and settled like any call, and counts as the run's money. */
export interface SmallModel {
  readonly ask: AskYesNo;
  /** What its questions have cost so far. */
  readonly spentMicroUsd: () => number;
}

/**
 * `leftMicroUsd`: what the run may still spend. Without money, a model or a clear word the answer is null, and the guard
 * decides by itself.
 */
export function smallModel(
  services: ActivityServices,
  input: CallModelInput,
  release: { readonly hash: Hash; readonly body: Release },
  leftMicroUsd: number,
  ended: AbortSignal,
): SmallModel {
  const [model] = services.models[release.body.models.verify];
  let spent = 0;
  let asked = 0;
  const price = { unpriced: services.unpriced };
  return {
    spentMicroUsd: () => spent,
    ask: async ({ system, text }) => {
      if (model === undefined || asked >= LIMITS.guardQuestions) return null;
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
      if (spent + worst > leftMicroUsd) return null;
      asked++;
      const at = { step: input.step, purpose: `guard-${asked}`, model, release: release.hash };
      const ttlMs = LIMITS.guardTimeoutMaxMs;
      const opened = await openAttempt(services.sql, input, at, {
        microUsd: worst,
        needsMicroUsd: worst,
        ttlMs,
        grant: input.grant ?? null,
      });
      if (opened.kind !== 'opened') return null;
      // What an attempt before this one asked and never heard.
      spent += opened.lostMicroUsd;
      const signal = AbortSignal.any([ended, AbortSignal.timeout(ttlMs)]);
      try {
        const answer = await services.provider.complete(request, { signal, onProgress: () => undefined });
        const cost = costMicroUsd(model, answer.usage, new Date(), price);
        await settleAttempt(services.sql, opened.attempt, {
          usage: answer.usage,
          requestId: answer.requestId,
          costMicroUsd: cost,
        });
        spent += cost;
        return parseYesNo(textOf(answer.content));
      } catch (error) {
        // It may have been worked on; what nobody knows is booked in full.
        const usage = error instanceof ModelCallError ? error.usage : null;
        const cost = usage === null ? null : costMicroUsd(model, usage, new Date(), price);
        const requestId = error instanceof ModelCallError ? error.requestId : null;
        await failAttempt(services.sql, opened.attempt, {
          code: 'guard_failed',
          usage,
          requestId,
          costMicroUsd: cost,
        });
        spent += cost ?? worst;
        return null;
      }
    },
  };
}
