// Hears of a signal's end without a listener of one's own. Node walks through all listeners of a signal whenever one is
// added, and the signal that ends a replica's work has one for each object under way.

const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `run` once when the signal fires; never when it has fired before. `run` may be given for one signal once, and must
 * not throw. The function returned ends the watching.
 */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  const all = listeners.get(signal) ?? listen(signal);
  all.add(run);
  return () => void all.delete(run);
}

function listen(signal: AbortSignal): Set<() => void> {
  const all = new Set<() => void>();
  listeners.set(signal, all);
  signal.addEventListener(
    'abort',
    () => {
      for (const run of all) run();
      all.clear();
    },
    { once: true },
  );
  return all;
}
