import { createServer } from 'node:http';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startWatchdog, watchBytes } from '../../../src/models/watchdog.ts';
import { listen } from './server.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function start(signal = new AbortController().signal) {
  return startWatchdog({ signal, stallTimeoutMs: 100, callTimeoutMs: 1000 });
}

test('every byte starts the silence again, and the first silence that is too long aborts', () => {
  const watchdog = start();
  for (let i = 0; i < 5; i += 1) {
    vi.advanceTimersByTime(99);
    watchdog.touch();
  }
  expect(watchdog.signal.aborted).toBe(false);
  vi.advanceTimersByTime(100);
  expect([watchdog.signal.aborted, watchdog.aborted()]).toEqual([true, 'stalled']);
});

test('bytes do not move the end of the whole call', () => {
  const watchdog = start();
  for (let i = 0; i < 20; i += 1) {
    vi.advanceTimersByTime(50);
    watchdog.touch();
  }
  expect(watchdog.aborted()).toBe('timeout');
});

test('the first reason stays', () => {
  const controller = new AbortController();
  const watchdog = start(controller.signal);
  controller.abort();
  vi.advanceTimersByTime(5000);
  expect(watchdog.aborted()).toBe('cancelled');
  expect(start(AbortSignal.abort()).aborted()).toBe('cancelled');
});

test('a shorter silence holds from then on', () => {
  const watchdog = start();
  watchdog.limitSilence(10);
  watchdog.touch();
  vi.advanceTimersByTime(10);
  expect(watchdog.aborted()).toBe('stalled');
});

test('stopped, it leaves no timer and no listener behind', () => {
  const controller = new AbortController();
  const watchdog = start(controller.signal);
  watchdog.limitSilence(10);
  watchdog.stop();
  expect(vi.getTimerCount()).toBe(0);
  controller.abort();
  expect(watchdog.aborted()).toBe('no');
});

test('bytes are counted before anyone reads them, and a refusal of the count ends the body', async () => {
  vi.useRealTimers();
  const server = createServer((_request, response) => {
    response.end('x'.repeat(10_000));
  });
  const url = await listen(server);
  let count = 0;
  const whole = await watchBytes((more) => (count += more))(url);
  expect([(await whole.text()).length, count]).toEqual([10_000, 10_000]);
  const refused = await watchBytes((more) => {
    if (more > 0) throw new RangeError('too long');
  })(url);
  await expect(refused.text()).rejects.toThrow('too long');
  server.closeAllConnections();
  server.close();
});
