import { setTimeout as delay } from 'node:timers/promises';
import type { WorkerEnd } from '../runner.ts';

/** The exit code after SIGKILL. */
export const KILLED = 137;
/** The exit code after SIGTERM. */
const TERMINATED = 143;
/** How containers exit that the engine stops, kills, or finds dead when it starts. */
const STOPPED_BY_ENGINE: readonly (number | null)[] = [KILLED, TERMINATED, 255];
/** How long an engine that stops may stay after it has ended a worker: it waits for the others, and for its calls. */
const ENGINE_STOP_MS = 20_000;

/**
 * Adds whether the engine ended the worker, as it does when it stops. `engine` aborts when the one that ran the worker
 * has stopped; undefined: the worker was not seen to run.
 */
export async function withEngineLost(end: WorkerEnd, engine: AbortSignal | undefined): Promise<WorkerEnd> {
  const { exit_code, out_of_memory } = end;
  if (out_of_memory || !STOPPED_BY_ENGINE.includes(exit_code)) return end;
  const engine_lost =
    !engine || engine.aborted || (exit_code === TERMINATED && (await abortsWithin(engine, ENGINE_STOP_MS)));
  return engine_lost ? { ...end, engine_lost } : end;
}

function abortsWithin(signal: AbortSignal, ms: number): Promise<boolean> {
  return delay(ms, undefined, { signal }).then(
    () => false,
    () => true,
  );
}
