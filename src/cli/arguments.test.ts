import { describe, expect, it } from 'vitest';
import { type CommandLine, helpOf, parseArguments } from './arguments.ts';
import { subcommands } from './env/command.ts';
import { env } from './env/desk.fixture.ts';

const line: CommandLine = {
  name: 'x',
  operands: 'A [B]',
  least: 1,
  most: 2,
  summary: '',
  about: [],
  flags: {
    name: { kind: 'text', short: 'n', help: 'a name' },
    loud: { kind: 'boolean', help: 'loud' },
    format: { kind: 'text', choices: ['json', 'yaml'], help: 'a format' },
  },
  exits: [['0', 'done']],
  examples: [],
};

describe('a command line', () => {
  it.each([[['a', '--name', 'x', '--loud']], [['--name=x', '--loud=true', 'a']], [['-n', 'x', 'a', '--loud']]])(
    '%j is read',
    (args) => {
      const parsed = parseArguments(line, args);
      expect([parsed.operands, parsed.text('name'), parsed.boolean('loud')]).toEqual([['a'], 'x', true]);
    },
  );

  it('tells false from absent, and an empty value from none', () => {
    expect(parseArguments(line, ['a', '--loud=false']).boolean('loud')).toBe(false);
    expect(parseArguments(line, ['a']).boolean('loud')).toBeUndefined();
    expect(parseArguments(line, ['a', '--name=']).text('name')).toBe('');
  });

  it.each([
    [['a', '--formt', 'x'], 'unknown flag --formt: did you mean --format?'],
    [['a', '-x'], 'unknown flag -x'],
    [['a', '--n', 'x'], 'unknown flag --n'],
    [['a', '--name'], '--name needs a value'],
    [['a', '--loud=maybe'], 'expected one of true, false'],
    [['a', '--format', 'toml'], 'expected one of json, yaml'],
    [[], 'expected A [B]'],
    [['a', 'b', 'c'], 'unexpected argument "c"'],
    [['a', '--', 'b'], 'unexpected argument "--"'],
  ])('%j is refused', (args, problem) => {
    expect(() => parseArguments(line, args)).toThrow(problem);
  });
});

describe('escapement env', () => {
  it.each(Object.entries(subcommands))(
    '%s --help tells flags, exit codes and examples',
    async (name, { line: own }) => {
      const { code, out } = await env([name, '--help']);
      expect([code, out]).toEqual([0, `${helpOf(own)}\n`]);
      for (const flag of Object.keys(own.flags)) expect(out).toContain(`--${flag}`);
      for (const [exit] of own.exits) expect(out).toMatch(new RegExp(`^ {2}${exit === '*' ? '\\*' : exit} `, 'm'));
      expect(own.examples.length).toBeGreaterThan(0);
    },
  );

  it.each(Object.entries(subcommands))('%s has examples that its own flags allow', (_, { line: own }) => {
    for (const [, command] of own.examples) {
      const words = command
        .replace(/^.*?escapement env \S+ /, '')
        .replace(/ [|>].*$|\)"$/g, '')
        .split(' ');
      expect(() => parseArguments(own, words)).not.toThrow();
    }
  });

  it('says how it is used when it is not', async () => {
    expect(await env([])).toMatchObject({ code: 2, out: '' });
    expect(await env(['opne'])).toMatchObject({ code: 2, errors: expect.stringContaining('unknown command "opne"') });
    expect(await env(['--help'])).toMatchObject({ code: 0, errors: '' });
    expect(await env(['open', 'dev.yaml', '--nope'])).toMatchObject({ code: 2, out: '' });
    expect(await env(['open', 'pulumi:acme'])).toMatchObject({
      code: 2,
      errors: expect.stringContaining('write pulumi:'),
    });
  });

  it('leaves a help flag behind -- to the command', async () => {
    const { out } = await env(['run', '-', '--', 'sh', '-c', 'echo "$@"', 'sh', '--help'], { input: 'values: {}' });
    expect(out).toBe('--help\n');
  });
});
