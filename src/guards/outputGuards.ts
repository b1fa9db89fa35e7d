import { type Guard, PASS } from './guard.ts';
import { scanInjection } from './injection.ts';
import type { OutputSubject } from './subjects.ts';

/** Orders to the reader inside of data that a stranger could have written. Trusted tools are not searched. */
export function plantedOrdersGuard(): Guard<OutputSubject> {
  return {
    name: 'planted-orders',
    check: ({ text, returns }) => {
      if (returns === 'trusted') return PASS;
      const { suspicious, signals } = scanInjection(text, { where: 'tool' });
      return suspicious ? { kind: 'flag', why: `signs of an injection: ${signals.join(', ')}` } : PASS;
    },
  };
}
