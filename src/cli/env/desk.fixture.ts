// A desk that is not a terminal of anybody's: what commands of `escapement env` write is kept, files lie in a directory of the
// test's own.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { loadDeskSettings } from '../../config.ts';
import { valueOfJson } from '../../core/esc/value.ts';
import type { EscProvider } from '../../providers/esc/open/contract.ts';
import type { Desk, Output } from '../desk.ts';
import { type EnvPorts, runEnv } from './command.ts';
import { openWorld } from './world.ts';

export interface Told {
  readonly code: number;
  readonly out: string;
  readonly errors: string;
}

export interface Circumstances {
  readonly input?: string;
  readonly isTerminal?: boolean;
  /** The environment of the process. */
  readonly variables?: Readonly<Record<string, string>>;
  /** Providers of `fn::open` beside our own. */
  readonly providers?: Readonly<Record<string, EscProvider>>;
}

/** Runs `escapement env …` in this process. */
export async function env(args: readonly string[], circumstances: Circumstances = {}): Promise<Told> {
  const { input = '', isTerminal = false, variables = {}, providers = {} } = circumstances;
  const out = output(isTerminal);
  const errors = output(isTerminal);
  const desk: Desk = {
    out,
    errors,
    readInput: async () => Buffer.from(input),
    isInputTerminal: false,
    onSignal: () => () => {},
    stopping: new AbortController().signal,
  };
  const ports: EnvPorts = {
    desk,
    loadSettings: (path) => loadDeskSettings(path, { PATH: '/usr/bin:/bin', ...variables }),
    async openWorld(options) {
      const world = await openWorld(options);
      return {
        ...world,
        providers: new Map([...world.providers, ...Object.entries(providers)]),
      };
    },
  };
  const code = await runEnv(args, ports);
  return { code, out: out.text(), errors: errors.text() };
}

function output(isTerminal: boolean): Output & { readonly text: () => string } {
  const written: Buffer[] = [];
  return {
    isTerminal,
    async write(text) {
      written.push(Buffer.from(text));
      return true;
    },
    text: () => Buffer.concat(written).toString(),
  };
}

/** A directory with these files, by their paths in it. It goes when the test ends. */
export function directoryOf(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'env-test-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
  return directory;
}

/** A provider that gives the same whatever it is asked. */
export function giving(json: unknown, flags: { readonly secret?: boolean } = {}): EscProvider {
  return { inputs: true, outputs: true, open: async () => valueOfJson(json, flags) };
}
