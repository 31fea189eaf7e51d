// Makes key pairs for the generators. The primes of a large RSA key take seconds, so they are looked for on the process's
// thread pool, for one key at a time: its other threads resolve names and read files.
import { generateKeyPair } from 'node:crypto';
import type { KeyPairOrder, PrivateJwk } from '../core/generators/ssh-key.ts';

/** Makes what is ordered, in the order in which it is asked for; whoever gives up while waiting costs nothing. */
export function oneAtATime(): (order: KeyPairOrder, signal: AbortSignal) => Promise<PrivateJwk> {
  let last: Promise<unknown> = Promise.resolve();
  return (order, signal) => {
    const made = last.then(() => {
      signal.throwIfAborted();
      return make(order);
    });
    last = made.catch(() => {}); // told to whoever ordered it
    return made;
  };
}

function make(order: KeyPairOrder): Promise<PrivateJwk> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, _: unknown, key: { export(options: { format: 'jwk' }): PrivateJwk }) =>
      error === null ? resolve(key.export({ format: 'jwk' })) : reject(error);
    if (order.type === 'rsa') generateKeyPair('rsa', { modulusLength: order.bits }, done);
    else if (order.type === 'ed25519') generateKeyPair('ed25519', undefined, done);
    else generateKeyPair('ec', { namedCurve: `P-${order.bits}` }, done);
  });
}
