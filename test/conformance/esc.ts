// Conformance with the reference evaluator of ESC: `npm run conformance:esc -- [DIR]` evaluates every case below DIR
// (../shared/contracts/esc from the repository's root) and compares values, secret paths, texts of errors and warnings,
// check mode, rotations, parsing and encryption. DIR is a case folder, or holds some at any depth.
//   --only NAME,NAME  these cases only
// The last line counts; exits 1 when a case differs. Without the directory it says so and exits 0.
import { existsSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { readArguments } from '../../scripts/arguments.ts';
import { judge } from './esc/judge.ts';

const usage = `usage: npm run conformance:esc -- [DIR]   evaluates every case below DIR as the reference evaluator did
  --only NAME,NAME   these cases only`;
const { flags, words } = readArguments(usage, { only: { type: 'string' } });

const contracts = resolve(words[0] ?? join(import.meta.dirname, '../../../shared/contracts/esc'));

function run(): void {
  if (!existsSync(contracts)) {
    print(`skipped: there are no cases at ${contracts}; name another directory`);
    print('0 passed, 0 failed, 1 skipped');
    return;
  }
  let passed = 0;
  let failed = 0;
  for (const { suite, folder } of cases()) {
    const differences = judge(suite, folder);
    if (differences.length === 0) passed++;
    else failed++;
    for (const each of differences) print(`${suite}/${basename(folder)}: ${each}`);
  }
  print(`${passed} passed, ${failed} failed`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
}

interface Case {
  readonly suite: string;
  readonly folder: string;
}

function cases(): readonly Case[] {
  const only = flags.only?.split(',');
  return casesBelow(contracts)
    .filter((folder) => only?.includes(basename(folder)) !== false)
    .map((folder) => ({ suite: kindOf(folder), folder }));
}

/** The folder, or those below it at any depth. What lies in a case are its documents. */
function casesBelow(folder: string): readonly string[] {
  if (isCase(folder)) return [folder];
  return foldersOf(folder).flatMap((name) => casesBelow(join(folder, name)));
}

function isCase(folder: string): boolean {
  return existsSync(join(folder, 'expected.json')) || existsSync(join(folder, 'ciphertext.yaml'));
}

/** A case tells by its files which suite it belongs to. */
function kindOf(folder: string): string {
  if (existsSync(join(folder, 'ciphertext.yaml'))) return 'crypt';
  return existsSync(join(folder, 'case.json')) ? 'eval' : 'parse';
}

function foldersOf(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

run();
