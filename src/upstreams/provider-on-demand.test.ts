import { describe, expect, it } from 'vitest';
import { OnDemand } from '../base/on-demand.ts';
import { asOperatorError } from '../base/operator-error.ts';
import type { ConnectContext, Provider, StoreReader } from '../providers/contract.ts';
import { providerOnDemand } from './provider-on-demand.ts';

const { signal } = new AbortController();
const contextOf = (holder: string) => ({ holder }) as ConnectContext; // nothing else of it is looked at
const reader = { phaseKey: 'k' } as StoreReader; // only handed on

function scene() {
  const held = new Set<string>();
  const code = Promise.withResolvers<{ readonly provider: Provider<string> }>();
  let loads = 0;
  const part = new OnDemand('a provider', () => {
    loads++;
    return code.promise;
  });
  const real: Provider<string> = {
    capabilities: 'ReadWrite',
    async connect(spec, { holder }) {
      if (spec === 'bad') throw new Error('no such scope');
      held.add(holder);
      return reader;
    },
    release: (holder) => void held.delete(holder),
  };
  const provider = providerOnDemand({ capabilities: 'ReadWrite', followsObjects: true }, part);
  return { provider, held, loads: () => loads, arrive: () => code.resolve({ provider: real }), fail: code.reject };
}

describe('a provider on demand', () => {
  it('says what it can do, and is let go of, before it is loaded', () => {
    const { provider, loads } = scene();
    expect(provider).toMatchObject({ capabilities: 'ReadWrite', followsObjects: true });
    provider.release('nobody');
    expect(loads()).toBe(0);
  });

  it('is loaded by the first store, and serves all', async () => {
    const { provider, held, loads, arrive } = scene();
    const connecting = ['a', 'b'].map((holder) => provider.connect('spec', contextOf(holder), signal));
    arrive();
    expect(await Promise.all(connecting)).toEqual([reader, reader]);
    expect([loads(), [...held]]).toEqual([1, ['a', 'b']]);
    provider.release('a');
    expect([...held]).toEqual(['b']);
  });

  it('opens nothing for a store that let go while it was loaded', async () => {
    const { provider, held, arrive } = scene();
    const connecting = provider.connect('spec', contextOf('a'), signal).catch(asOperatorError);
    provider.release('a');
    arrive();
    expect(await connecting).toMatchObject({ reason: 'Aborted' });
    expect([...held]).toEqual([]);
  });

  it('tells why it cannot be loaded, and what the provider itself refuses', async () => {
    const broken = scene();
    const connecting = broken.provider.connect('spec', contextOf('a'), signal);
    broken.fail(new Error('no such file'));
    await expect(connecting).rejects.toThrow('no such file');
    const whole = scene();
    whole.arrive();
    await expect(whole.provider.connect('bad', contextOf('a'), signal)).rejects.toThrow('no such scope');
  });
});
