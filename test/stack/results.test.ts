import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { countResults } from '../../scripts/results.mjs';
import { makeFolder } from './folders.ts';

const goodFile = { name: 'good', status: 'passed', assertionResults: [{ status: 'passed' }] };

function count(report: unknown, code: number): { passed: number; failed: number } {
  const resultsFile = join(makeFolder(), 'results.json');
  writeFileSync(resultsFile, typeof report === 'string' ? report : JSON.stringify(report));
  const { passed, failed } = countResults({ resultsFile, code });
  return { passed, failed };
}

test('a good run counts as it is', () => {
  expect(count({ numPassedTests: 1, numFailedTests: 0, testResults: [goodFile] }, 0)).toEqual({
    passed: 1,
    failed: 0,
  });
});

test('every way in which a run can break counts as a failure', () => {
  const broken = { name: 'broken', status: 'failed', assertionResults: [] };
  const report = { numPassedTests: 1, numFailedTests: 0, testResults: [goodFile, broken] };
  expect(count(report, 1)).toEqual({ passed: 1, failed: 1 });
  expect(count({ numPassedTests: 1, numFailedTests: 0, testResults: [goodFile] }, 1)).toEqual({
    passed: 1,
    failed: 1,
  });
  expect(count('{"numPassed', 0)).toEqual({ passed: 0, failed: 1 });
  const resultsFile = join(makeFolder(), 'absent.json');
  expect(countResults({ resultsFile, code: 0 })).toMatchObject({ passed: 0, failed: 1 });
});

test('a failed test counts once', () => {
  const file = {
    name: 'bad',
    status: 'failed',
    assertionResults: [{ status: 'failed' }, { status: 'passed' }],
  };
  expect(count({ numPassedTests: 1, numFailedTests: 1, testResults: [file] }, 1)).toEqual({
    passed: 1,
    failed: 1,
  });
});

test('what did not run is said, with the names of the files', () => {
  const left = {
    name: '/clone/test/left.test.ts',
    status: 'passed',
    assertionResults: [{ status: 'skipped' }],
  };
  const files = Array.from({ length: 7 }, () => left);
  const resultsFile = join(makeFolder(), 'results.json');
  const notes = (testResults: unknown[]) => {
    const report = {
      numPassedTests: 1,
      numFailedTests: 0,
      numPendingTests: testResults.length - 1,
      testResults,
    };
    writeFileSync(resultsFile, JSON.stringify(report));
    return countResults({ resultsFile, code: 0 }).notes;
  };
  expect(notes([goodFile])).toEqual([]);
  expect(notes([goodFile, left])).toEqual(['NOT RUN: 1 tests, of left.test.ts']);
  expect(notes([goodFile, ...files])[0]).toMatch(/^NOT RUN: 7 tests, of left.test.ts,.* and 2 more files$/);
});
