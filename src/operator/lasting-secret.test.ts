import { describe, expect, it } from 'vitest';
import { OperatorError } from '../base/operator-error.ts';
import { SecretValue } from '../core/secret-value.ts';
import type { Kube } from '../kube/contract.ts';
import type { Secret } from '../kube/types.ts';
import { lastingSecret } from './lasting-secret.ts';

const name = { namespace: 'escapement-system', name: 'leases' };
const made = { metadata: { ...name, uid: 'u', resourceVersion: '1', labels: { theirs: 'yes' } }, type: 'kept' };

/** A Secret in an API server that refuses as told. */
function scene({ secret = made, guard = () => {} }: { secret?: Secret | undefined; guard?: () => void } = {}) {
  const held: { secret: Secret | undefined; failure: OperatorError | undefined; lines: string[] } = {
    secret,
    failure: undefined,
    lines: [],
  };
  const found = () => {
    if (held.failure !== undefined) throw held.failure;
    if (held.secret === undefined) throw new OperatorError('ReferenceNotFound', 'there is none');
    return held.secret;
  };
  const kube: Pick<Kube, 'get' | 'update'> = {
    get: async <T>() => found() as T, // it is asked for nothing else
    async update(_, object) {
      const { metadata } = found();
      if (object.metadata.resourceVersion !== metadata.resourceVersion) throw new OperatorError('Conflict', 'changed');
      const resourceVersion = String(Number(metadata.resourceVersion) + 1);
      const written = { ...object, metadata: { ...object.metadata, resourceVersion } };
      held.secret = written;
      return written;
    },
  };
  const log = {
    warn(fields: object, line: string) {
      held.lines.push(`${line} ${JSON.stringify(fields)}`);
    },
  };
  return { held, place: lastingSecret(name, { kube, guard, log }) };
}

const text = async (loaded: Promise<SecretValue | undefined>) => (await loaded)?.text();

describe('lastingSecret', () => {
  it('gives what was saved last, and leaves the rest of the Secret as it is', async () => {
    const { place, held } = scene();
    expect(await place.load()).toBeUndefined();
    await place.save(new SecretValue('one'));
    await place.save(new SecretValue('two'));
    expect(held.secret).toMatchObject({ metadata: { labels: { theirs: 'yes' }, uid: 'u' }, type: 'kept' });
    expect(await text(place.load())).toBe('two');
    expect(held.lines).toEqual([]);
  });

  it('saves over an edit of somebody else', async () => {
    const { place, held } = scene();
    await place.load();
    held.secret = { ...made, metadata: { ...made.metadata, resourceVersion: '7', labels: { theirs: 'no' } } };
    await place.save(new SecretValue('one'));
    expect(held.secret).toMatchObject({ metadata: { labels: { theirs: 'no' } } });
    expect(await text(place.load())).toBe('one');
  });

  it.each([
    ['there is no Secret', new OperatorError('ReferenceNotFound', 'there is none')],
    ['it may not be read', new OperatorError('ApiDenied', 'no right')],
  ])('says once that nothing lasts when %s', async (_, failure) => {
    const { place, held } = scene();
    held.failure = failure;
    expect(await place.load()).toBeUndefined();
    await place.save(new SecretValue('s3cret'));
    expect(held.lines).toEqual([expect.stringContaining('will not outlive this process')]);
    expect(held.lines.join()).toContain(name.name);
  });

  it('does not know what was saved while the API server cannot say', async () => {
    const { place, held } = scene();
    held.failure = new OperatorError('ApiUnavailable', 'HTTP 503');
    await expect(place.load()).rejects.toMatchObject({ reason: 'ApiUnavailable' });
  });

  it.each<[why: string, failure: OperatorError | undefined, guard: () => void]>([
    ['the API server fails', new OperatorError('ApiUnavailable', 'HTTP 503'), () => {}],
    [
      'this process leads no more',
      undefined,
      () => {
        throw new OperatorError('Aborted', 'over');
      },
    ],
  ])('says without the value that it was not saved because %s', async (_, failure, guard) => {
    const { place, held } = scene({ guard });
    await place.load();
    held.failure = failure;
    await place.save(new SecretValue('s3cret'));
    expect(held.secret).toBe(made);
    expect(held.lines).toEqual([expect.stringContaining('could not be kept for the next process')]);
    expect(held.lines.join()).not.toMatch(/s3cret|czNjcmV0/);
  });
});
