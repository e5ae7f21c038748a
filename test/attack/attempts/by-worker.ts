import { callWorkerApi } from '../../support/worker-api-call.ts';
import type { Attempt } from '../attempt.ts';
import type { AttackScene, Party } from '../scene.ts';

export const CALL_REFUSED = { metric: 'errand_worker_calls_refused_total' };

/** A call of the attacker's worker: by default with its own token, about its own errand. */
type Call = {
  about?: (scene: AttackScene) => Party;
  /** The last part of the path. */
  to: string;
  token?: (scene: AttackScene) => Promise<string> | string;
  body?: unknown;
  headers?: Record<string, string>;
  method?: string;
  /** Hangs up. */
  signal?: AbortSignal;
};

/** Makes the call. Returns the status and the body of the answer. */
export async function callAsWorker(
  scene: AttackScene,
  { about, to, token, body, headers, method, signal }: Call,
): Promise<string> {
  const party = about?.(scene) ?? scene.attacker;
  try {
    const { status, body: answer } = await callWorkerApi(
      { socketPath: scene.socketOf(scene.attacker) },
      {
        path: `/internal/tasks/${party.task_id}/${to}`,
        token: await (token ? token(scene) : scene.token(scene.attacker)),
        body,
        ...(method !== undefined && { method }),
        ...(signal && { signal }),
        headers: { 'content-type': 'application/json', ...headers },
      },
    );
    return `${status} ${JSON.stringify(answer)}`;
  } catch (error) {
    return `the connection was cut: ${String(error)}`;
  }
}

/** An attempt that is one call of the attacker's worker. The server counts each that it refuses. */
export const byWorker = (name: string, refused: RegExp, to: Call): Attempt => ({
  name,
  refused,
  noticed: CALL_REFUSED,
  make: (scene) => callAsWorker(scene, to),
});
