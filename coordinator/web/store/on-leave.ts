/**
 * Calls `act` each time that the page is left: behind another app or a locked screen, where a phone may suspend it at
 * any moment, or closed. Until the returned function is called.
 */
export function onLeave(act: () => void): () => void {
  const onHide = (): void => {
    if (document.visibilityState === 'hidden') act();
  };
  document.addEventListener('visibilitychange', onHide);
  addEventListener('pagehide', act);
  return () => {
    document.removeEventListener('visibilitychange', onHide);
    removeEventListener('pagehide', act);
  };
}
