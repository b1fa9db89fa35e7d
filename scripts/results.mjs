import { existsSync, readFileSync } from 'node:fs';

/**
 * Counts the outcome of a test run from the runner's JSON report.
 * A file that could not be loaded, a run without a report, and a failed run without a failed test (an error outside
 * every test) count as one failure each: a broken run must never look like a good one.
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
  for (const file of report.testResults ?? []) {
    const own = (file.assertionResults ?? []).filter((result) => result.status === 'failed').length;
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
  if (skipped > 0) notes.push(`${skipped} skipped`);
  return { passed, failed, notes };
}
