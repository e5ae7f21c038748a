import { signal } from '@preact/signals';

const TICK_MS = 1_000;

/** The time, in milliseconds since 1970. Whatever reads it is drawn again each second, while the page shows. */
export const now = signal(Date.now());

/** Starts the clock. */
export function startClock(): void {
  const tick = (): void => {
    if (document.visibilityState === 'visible') now.value = Date.now();
  };
  setInterval(tick, TICK_MS);
  document.addEventListener('visibilitychange', tick);
}
