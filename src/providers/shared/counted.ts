// Counts the calls to an upstream by the names that the provider gives them, so that ESO's dashboards carry over.
import type { Upstream, UpstreamRequest } from '../../http/contract.ts';

/** Told once per call: its name in ESO's metric, and whether it brought what was asked for. */
export type ObserveCall = (call: string, status: 'success' | 'error') => void;

/** The same way to the host, with its calls counted under the names that `nameOf` gives. */
export function counted(
  upstream: Upstream,
  nameOf: (request: UpstreamRequest) => string,
  observe: ObserveCall,
): Upstream {
  return {
    async send(request, signal) {
      const call = nameOf(request);
      try {
        const answer = await upstream.send(request, signal);
        observe(call, answer.status < 400 ? 'success' : 'error');
        return answer;
      } catch (thrown) {
        observe(call, 'error');
        throw thrown;
      }
    },
  };
}
