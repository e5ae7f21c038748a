/** Runs `act` once, soon after any number of calls, so that a burst of news is drawn once. */
export function later(act: () => void, ms: number): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => {
      waiting = false;
      act();
    }, ms);
  };
}
