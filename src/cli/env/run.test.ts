import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { directoryOf, env } from './desk.fixture.ts';

const document = `
values:
  password: {fn::secret: hunter2}
  inner: {fn::secret: only-inside}
  environmentVariables:
    URL: pg://u:\${password}@h
    PLAIN: 1
  files:
    CERT: {fn::secret: "first line of it\\nsecond line\\n"}
`;

const sh = (script: string, ...args: readonly string[]) => ['run', '-', '--', 'sh', '-c', script, 'sh', ...args];

describe('env run, in one process', () => {
  const run = (args: readonly string[], variables = {}) => env(args, { input: document, variables });

  it('gives the command variables beside those of the process, and files', async () => {
    const script =
      'test "$URL" = pg://u:hunter2@h && test "$PLAIN" = 1 && test "$OTHER" = 2 && wc -l < "$CERT" | tr -d " "';
    expect(await run(sh(script), { OTHER: '2', PLAIN: 'overridden' })).toEqual({ code: 0, out: '2\n', errors: '' });
  });

  it('masks every secret of the environment in both outputs', async () => {
    const { out, errors } = await run(
      sh('echo "$URL"; cat "$CERT"; echo "a only-inside b" >&2; echo "x=second line" >&2'),
    );
    expect(out).toBe('[secret]\n[secret]\n');
    expect(errors).toBe('a [secret] b\nx=[secret]\n');
  });

  it('fills references in arguments, and leaves what is none', async () => {
    const { out } = await run(
      sh('printf "%s|" "$@"', '${environmentVariables.PLAIN}', '$$x', '${nope}', '${a b', 'p=${password}'),
    );
    expect(out).toBe('1|$x||${a b|p=[secret]|');
  });

  it.each<[string, readonly string[], number]>([
    ["the command's own", sh('exit 42'), 42],
    ['that of the signal which ended it', sh('kill -TERM $$$$'), 143],
    ['127 for a command that is not there', ['run', '-', '--', 'no-such-command-here'], 127],
    ['126 for what cannot be run', ['run', '-', '--', '/tmp'], 126],
    ['2 without a command', ['run', '-'], 2],
  ])('ends with %s', async (_, args, code) => {
    expect((await run(args)).code).toBe(code);
  });

  it('runs nothing for an environment with errors', async () => {
    const told = await env(sh('echo ran'), { input: 'values: {a: "${b}"}' });
    expect(told).toMatchObject({ code: 125, out: '', errors: expect.stringContaining('unknown property "b"') });
    expect((await env(['run', './nope.yaml', '--', 'true'])).code).toBe(125);
  });

  it('refuses a name or a value that no process takes', async () => {
    const told = await env(sh('echo ran'), { input: 'values: {environmentVariables: {"A=B": 1}}' });
    expect(told).toMatchObject({ code: 125, out: '' });
  });
});

/** `escapement env run` as a process of its own, with a directory for its temporary files. */
function start(files: Readonly<Record<string, string>>, args: (directory: string) => readonly string[]) {
  const directory = directoryOf({ ...files, 'tmp/.keep': '' });
  const main = fileURLToPath(new URL('../../main.ts', import.meta.url));
  const child = spawn(process.execPath, [main, 'env', 'run', ...args(directory)], {
    env: { ...process.env, TMPDIR: `${directory}/tmp` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const left = () => readdirSync(`${directory}/tmp`).filter((name) => name !== '.keep');
  return { child, directory, left };
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('there is no output');
  const [chunk] = await once(stdout, 'data');
  return String(chunk).trim();
}

describe('env run, as a process', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const)(
    'passes %s on, waits for the end and removes the files',
    async (signal) => {
      const name = signal.slice(3);
      const script = `trap 'test -e "$CERT" && echo got; exit 7' ${name}; echo "$CERT"; while :; do sleep 0.05; done`;
      const { child, left } = start({ 'dev.yaml': document }, (directory) => [
        `${directory}/dev.yaml`,
        '--',
        'sh',
        '-c',
        script,
      ]);
      const cert = await firstLine(child);
      expect(statSync(cert).mode & 0o777).toBe(0o600);
      expect(left()).toHaveLength(1);
      const said = firstLine(child);
      const ended = once(child, 'exit');
      child.kill(signal);
      expect(await said).toBe('got');
      expect(await ended).toEqual([7, null]);
      expect(existsSync(cert)).toBe(false);
      expect(left()).toEqual([]);
    },
  );

  it('removes the files when the command cannot be run', async () => {
    const { child, left } = start({ 'dev.yaml': document }, (directory) => [
      `${directory}/dev.yaml`,
      '--',
      'no-such-command-here',
    ]);
    expect(await once(child, 'exit')).toEqual([127, null]);
    expect(left()).toEqual([]);
  });

  it('hands over all of a long output, masked', async () => {
    const script = 'i=0; while [ $i -lt 20000 ]; do echo "$URL $i"; i=$((i+1)); done';
    const { child } = start({ 'dev.yaml': document }, (directory) => [
      `${directory}/dev.yaml`,
      '--',
      'sh',
      '-c',
      script,
    ]);
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(child, 'close');
    const lines = Buffer.concat(chunks).toString().trimEnd().split('\n');
    expect(lines.length).toBe(20_000);
    expect(lines.filter((line, at) => line !== `[secret] ${at}`)).toEqual([]);
  });

  it('gives the command its own output with --interactive, unmasked', async () => {
    const { child } = start({ 'dev.yaml': document }, (directory) => [
      '-i',
      `${directory}/dev.yaml`,
      '--',
      'sh',
      '-c',
      'echo "$URL"',
    ]);
    expect(await firstLine(child)).toBe('pg://u:hunter2@h');
  });
});
