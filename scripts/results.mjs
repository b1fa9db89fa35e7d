import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

const NAMES_SHOWN = 5;
const NOT_RUN = ['skipped', 'pending', 'todo'];

/**
 * Counts the outcome of a test run from the runner's JSON report.
 * A file that could not be loaded, a run without a report, and a failed run without a failed test (an error outside
 * every test) count as one failure each: a broken run must never look like a good one. Tests that did not run are
 * counted aloud, with the names of their files.
 */
export function countResults({ resultsFile, code }) {
  const notes = [];
  if (!existsSync(resultsFile)) {
    return { passed: 0, failed: 1, notes: ['FAILED: the test runner ended without a report'] };
  }
  let report;
  try {
    report = JSON.parse(readFileSync(resultsFile, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, notes: ['FAILED: the report of the test runner is not complete'] };
  }
  const passed = report.numPassedTests ?? 0;
  let failed = report.numFailedTests ?? 0;
  const left = [];
  for (const file of report.testResults ?? []) {
    const results = file.assertionResults ?? [];
    const own = results.filter((result) => result.status === 'failed').length;
    if (results.some((result) => NOT_RUN.includes(result.status))) left.push(basename(file.name));
    if (file.status === 'failed' && own === 0) {
      failed += 1;
      notes.push(`FAILED: ${file.name} did not load or failed outside its tests`);
    }
  }
  if (code !== 0 && failed === 0) {
    failed = 1;
    notes.push(`FAILED: the test runner ended with code ${code}; see its words above`);
  }
  const skipped = (report.numPendingTests ?? 0) + (report.numTodoTests ?? 0);
  if (skipped > 0) notes.push(`NOT RUN: ${skipped} tests, of ${shorten(left)}`);
  return { passed, failed, notes };
}

/** A name filter leaves tests of every file out; then a few names say enough. */
function shorten(names) {
  const more = names.length - NAMES_SHOWN;
  return `${names.slice(0, NAMES_SHOWN).join(', ')}${more > 0 ? ` and ${more} more files` : ''}`;
}
