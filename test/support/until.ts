import { setTimeout as delay } from 'node:timers/promises';

/** Waits until a condition holds; rejects after `timeout_ms`, naming it. */
export async function until(what: string, condition: () => unknown, timeout_ms = 10_000): Promise<void> {
  const deadline = performance.now() + timeout_ms;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`Waited ${timeout_ms} ms in vain until ${what}.`);
    await delay(5);
  }
}
