import { describe, expect, it } from 'vitest';
import { directoryOf, env } from './desk.fixture.ts';

const files = {
  'a.yaml': 'values: {same: 1, old: x, kind: "1", hush: open, list: [1, 2], token: {fn::secret: abc}}',
  'b.yaml':
    'values: {same: 2, new: {fn::secret: n}, kind: 1, hush: {fn::secret: shut}, list: [1], token: {fn::secret: xyz}}',
};

async function diff(...flags: readonly string[]) {
  const directory = directoryOf(files);
  return await env(['diff', ...flags, `${directory}/a.yaml`, `${directory}/b.yaml`]);
}

describe('env diff', () => {
  it('compares keys, types and secrecy, and shows no value', async () => {
    expect(await diff()).toEqual({
      code: 1,
      errors: '',
      out: [
        '~ hush: string -> string, secret\n',
        '~ kind: string -> number\n',
        '- list[1]: number\n',
        '+ new: string, secret\n',
        '- old: string\n',
      ].join(''),
    });
  });

  it('compares values when asked to, and says of secrets only that they differ', async () => {
    const { out } = await diff('--values');
    expect(out).toContain('~ same: 1 -> 2\n');
    expect(out).toContain('~ token: [secret], another value\n');
    expect(out).toContain('~ hush: "open" -> [secret]\n');
    expect(out).not.toMatch(/abc|xyz|shut/);
  });

  it('shows secrets when asked for both', async () => {
    expect((await diff('--values', '--show-secrets')).out).toContain('~ token: "abc" (secret) -> "xyz" (secret)\n');
  });

  it('says by its exit code that they are alike, or that one has errors', async () => {
    const directory = directoryOf({ ...files, 'broken.yaml': 'values: {a: "${b}"}' });
    const path = (name: string) => `${directory}/${name}.yaml`;
    expect(await env(['diff', '--values', path('a'), path('a')])).toEqual({ code: 0, out: '', errors: '' });
    expect((await env(['diff', path('a'), path('broken')])).code).toBe(3);
    expect((await env(['diff', path('a'), path('nope')])).code).toBe(3);
    for (const more of [[], ['@3']]) {
      expect(await env(['diff', path('a'), ...more])).toMatchObject({
        code: 2,
        errors: expect.stringContaining('a file has no versions'),
      });
    }
  });
});
