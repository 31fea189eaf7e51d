// The time that this thread has worked, for tests of what holds the event loop: neither other processes nor other threads
// count, so that a busy machine changes nothing.

/** CPU time of the thread in ms, from any beginning. */
export function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
