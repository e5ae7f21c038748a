import { ErrandError } from '../../../protocol/problem.ts';
import type { Info } from './client.ts';

/** Throws `unavailable`, with what to do, where the engine does not have the runtime that the settings name. */
export function requireRuntime({ Runtimes }: Info, runtime: string | undefined): void {
  const known = Object.keys(Runtimes ?? {});
  if (runtime === undefined || known.includes(runtime)) return;
  throw new ErrandError(
    'unavailable',
    `ERRAND_WORKER_RUNTIME is '${runtime}', and Docker has no such runtime. It has: ${known.join(', ') || 'none'}. ` +
      `Install it and name it under "runtimes" in /etc/docker/daemon.json, then restart Docker; or unset ERRAND_WORKER_RUNTIME.`,
  );
}
