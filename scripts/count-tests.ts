// Prints `N passed, N failed, N skipped` from vitest's JSON report, for the sum that CI prints last.
import { readFileSync } from 'node:fs';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numFailedTestSuites: number;
}

const path = process.argv[2] ?? '';
const report = JSON.parse(readFileSync(path, 'utf8')) as Report; // vitest's own report format
// A file that fails before its tests run counts as one failure.
const failed = Math.max(report.numFailedTests, report.numFailedTestSuites > 0 ? 1 : 0);
process.stdout.write(`${report.numPassedTests} passed, ${failed} failed, ${report.numPendingTests} skipped\n`);
