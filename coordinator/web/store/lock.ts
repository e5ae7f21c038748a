const running = new Map<string, Promise<unknown>>();

/**
 * Runs `act` while no other tab of this browser does. Without TLS a browser has no locks: then it holds within this
 * tab alone, and the server's idempotency keys and its grace for a token that is used twice do the rest.
 */
export async function locked<T>(name: string, act: () => Promise<T>): Promise<T> {
  // The type says that it always exists.
  const locks = navigator.locks as LockManager | undefined;
  if (locks) return locks.request(name, act) as Promise<T>;
  const before = running.get(name) ?? Promise.resolve();
  const mine = before.then(act, act);
  running.set(name, mine);
  return mine;
}
