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
  const answer = await upstream.send({ ...request, digest }, signal);
  return outcome === undefined ? await read(answer) : resultOf(outcome); // a way without turns reads nothing itself
}

function resultOf<T>(outcome: Outcome<T>): T {
  if ('thrown' in outcome) throw outcome.thrown;
  return outcome.value;
}
