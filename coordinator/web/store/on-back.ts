type OnBack = {
  /** The network or the person is back at this window. */
  here: () => void;
  /** They are back at another window of this device: it must not wait for what this one has begun. */
  elsewhere: () => void;
};

/**
 * Tells that the network or the person is back, until the returned function is called. A window that is not on the
 * screen hears of it from the one that is. `name`: that of the app among those of the host.
 */
export function onBack(name: string, { here, elsewhere }: OnBack): () => void {
  const windows = new BroadcastChannel(`${name} back`);
  windows.addEventListener('message', elsewhere);
  const over = new AbortController();
  const onEvent = (): void => {
    if (document.visibilityState !== 'visible') return;
    windows.postMessage(null);
    here();
  };
  for (const event of ['online', 'pageshow']) addEventListener(event, onEvent, over);
  document.addEventListener('visibilitychange', onEvent, over);
  return () => {
    over.abort();
    windows.close();
  };
}
