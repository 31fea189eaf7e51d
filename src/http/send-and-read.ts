// Sends a request and reads its answer as one step, so that a large answer is read in its turn and counts until then.
import type { Upstream, UpstreamAnswer, UpstreamRequest } from './contract.ts';

type Outcome<T> = { readonly value: T } | { readonly thrown: unknown };

/** What `read` makes of the answer. Throws what `send` and `read` throw. */
export async function sendAndRead<T>(
  upstream: Upstream,
  request: UpstreamRequest,
  read: (answer: UpstreamAnswer) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  let outcome: Outcome<T> | undefined;
  const digest = async (answer: UpstreamAnswer) => {
    outcome = await read(answer).then(
      (value) => ({ value }),
      (thrown: unknown) => ({ thrown }),
    );
  };
  await upstream.send({ ...request, digest }, signal);
  return resultOf(outcome);
}

function resultOf<T>(outcome: Outcome<T> | undefined): T {
  if (outcome === undefined) throw new Error('the answer was given without being read');
  if ('thrown' in outcome) throw outcome.thrown;
  return outcome.value;
}
