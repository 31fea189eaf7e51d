import { describe, expect, it } from 'vitest';
import { createMarker, leaks } from './canary.ts';

const marker = createMarker();
const value = `before-${marker}-behind`;

describe('leaks', () => {
  const bare = Buffer.from(marker);
  const shown: readonly { why: string; text: string; form: string }[] = [
    { why: 'as it is', text: `level=info msg="${value}"`, form: 'plain' },
    { why: 'in hexadecimal', text: Buffer.from(value).toString('hex'), form: 'hex' },
    { why: 'in base64', text: bare.toString('base64'), form: 'base64' },
    { why: 'in base64 with one byte before it', text: Buffer.from(`x${value}`).toString('base64'), form: 'base64' },
    { why: 'in base64 with two bytes before it', text: Buffer.from(`xy${value}`).toString('base64'), form: 'base64' },
    {
      why: 'in base64 with three bytes before it',
      text: Buffer.from(`xyz${value}`).toString('base64'),
      form: 'base64',
    },
    { why: 'in JSON', text: JSON.stringify({ status: { message: value } }), form: 'plain' },
  ];
  it.each(shown)('finds a marker $why', ({ text, form }) => {
    expect(leaks({ output: `something before ${text}`, other: 'clean' }, [marker])).toMatchObject([
      { where: 'output', form },
    ]);
  });

  it('finds an access token, whoever made it', () => {
    const jwt = ['{"alg":"HS256","typ":"JWT"}', '{"identityId":"i"}', 'signature of it'].map((part) =>
      Buffer.from(part).toString('base64url'),
    );
    expect(leaks({ output: `authorization: Bearer ${jwt.join('.')}` }, [])).toMatchObject([{ form: 'token' }]);
  });

  it('finds nothing where there is nothing', () => {
    const text = `another ${createMarker()} and its base64 ${Buffer.from(createMarker()).toString('base64')}`;
    expect(leaks({ output: text }, [marker])).toEqual([]);
  });
});
