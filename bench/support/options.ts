// The command line of the bench.
import { join } from 'node:path';
import { readFlags } from '../../scripts/arguments.ts';
import type { Shape } from './layout.ts';

export interface Options extends Shape {
  readonly concurrent: number;
  /** First syncs, each by a new process, with the raw rate measured between them. */
  readonly rounds: number;
  /** Secrets of 1 MB that are nobody's business. */
  readonly unrelated: number;
  readonly kubeconfig: string | undefined;
  readonly bundle: string;
  /** Another operator, to be compared with by turns. */
  readonly beside: string | undefined;
  readonly nodeFlags: readonly string[];
  readonly flags: readonly string[];
  /** Seconds between two refreshes while the quiet cycles are counted. */
  readonly quietSeconds: number;
  readonly phases: ReadonlySet<string>;
}

const phaseNames = ['idle', 'raw', 'sync', 'quiet', 'new'];

const usage = `usage: npm run bench -- [options]
  --count N           ExternalSecrets (1000)
  --scopes N          folders at the source that they read (20)
  --stores N          SecretStores, all of one identity (20)
  --keys N            keys of each ExternalSecret (3)
  --concurrent N      the operator's --concurrent, and the connections of the raw loop (32)
  --rounds N          first syncs, the raw rate between them (5, from 5000 objects on 1)
  --unrelated N       Secrets of 1 MB beside (0)
  --quiet-seconds N   refresh interval while quiet cycles are counted (10, from 5000 objects on 60)
  --phases LIST       of idle,raw,sync,quiet,new (all)
  --kubeconfig FILE   use this cluster instead of starting a control plane
  --bundle FILE       the operator (dist/escapement.mjs)
  --beside FILE       another operator, whose first syncs are made by turns with this one's (an older build)
  --node-flags LIST   flags of the operator's Node, separated by blanks
  --flags LIST        more flags of the operator, separated by blanks`;

/** Throws an Error of one line for the user. */
export function readOptions(): Options {
  const values = readFlags(usage, {
    count: { type: 'string', default: '1000' },
    scopes: { type: 'string', default: '20' },
    stores: { type: 'string', default: '20' },
    keys: { type: 'string', default: '3' },
    concurrent: { type: 'string', default: '32' },
    rounds: { type: 'string' },
    unrelated: { type: 'string', default: '0' },
    'quiet-seconds': { type: 'string' },
    phases: { type: 'string', default: phaseNames.join() },
    kubeconfig: { type: 'string' },
    bundle: { type: 'string', default: join(import.meta.dirname, '..', '..', 'dist', 'escapement.mjs') },
    beside: { type: 'string' },
    'node-flags': { type: 'string', default: '' },
    flags: { type: 'string', default: '' },
  });
  const count = whole('count', values.count, 1);
  const isLarge = count >= 5_000;
  return {
    count,
    scopes: whole('scopes', values.scopes, 1),
    stores: whole('stores', values.stores, 1),
    keys: whole('keys', values.keys, 1),
    concurrent: whole('concurrent', values.concurrent, 1),
    rounds: whole('rounds', values.rounds ?? (isLarge ? '1' : '5'), 1),
    unrelated: whole('unrelated', values.unrelated, 0),
    quietSeconds: whole('quiet-seconds', values['quiet-seconds'] ?? (isLarge ? '60' : '10'), 1),
    phases: phasesOf(values.phases),
    kubeconfig: values.kubeconfig,
    bundle: values.bundle,
    beside: values.beside,
    nodeFlags: values['node-flags'].split(' ').filter(Boolean),
    flags: values.flags.split(' ').filter(Boolean),
  };
}

function whole(flag: string, text: string, least: number): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= least) return number;
  throw new Error(`--${flag}: "${text}" is not a whole number from ${least} on`);
}

function phasesOf(text: string): ReadonlySet<string> {
  const names = text.split(',');
  const unknown = names.find((name) => !phaseNames.includes(name));
  if (unknown !== undefined) throw new Error(`--phases: "${unknown}" is none of ${phaseNames.join(', ')}`);
  return new Set(names);
}
