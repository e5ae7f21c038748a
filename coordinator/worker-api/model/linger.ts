/**
 * Runs `work` with a signal that aborts only `linger_ms` after `signal` does, so that a short rest of the work can
 * still be done. Rejects with the reason of `signal` where it has aborted already.
 */
export async function withLinger<T>(
  signal: AbortSignal,
  linger_ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const late = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const linger = () => {
    timer = setTimeout(() => late.abort(signal.reason), linger_ms);
  };
  signal.addEventListener('abort', linger, { once: true });
  try {
    return await work(late.signal);
  } finally {
    signal.removeEventListener('abort', linger);
    clearTimeout(timer);
  }
}
