import { Agent } from 'node:http';
import { ErrandError } from '../../../protocol/problem.ts';
import { EngineClient, EngineRefusal, type EngineAddress } from './client.ts';

/** The time limit of ordinary calls. The engine needs much less, even on a busy machine. */
const CALL_MS = 20_000;
/** The time limit of health checks, which a person may wait for. */
const CHECK_MS = 5_000;
/** The time limit of a wait for a container's exit. It is then repeated, so that an engine that hangs is noticed. */
const WAIT_MS = 120_000;
/** The time limit of the build of an image. */
const BUILD_MS = 15 * 60 * 1000;
/** Idle connections to the engine that stay open. */
const IDLE_MAX = 2;
const DEFAULT_SOCKET = '/var/run/docker.sock';

/** Clients of the engine with different time limits. A call that takes longer rejects. */
export type Engine = {
  checks: EngineClient;
  calls: EngineClient;
  waits: EngineClient;
  builds: EngineClient;
  close: () => void;
};

/**
 * Makes the clients; it connects later. `docker_host`: as in DOCKER_HOST; undefined for the local engine. Throws
 * `unavailable` if its form is not supported.
 */
export function openEngine(docker_host: string | undefined): Engine {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: IDLE_MAX });
  const address = addressOf(docker_host);
  return {
    checks: new EngineClient(address, agent, CHECK_MS),
    calls: new EngineClient(address, agent, CALL_MS),
    waits: new EngineClient(address, agent, WAIT_MS),
    builds: new EngineClient(address, agent, BUILD_MS),
    close: () => agent.destroy(),
  };
}

/** Converts DOCKER_HOST. Throws `unavailable` if its form is not supported. */
export function addressOf(docker_host = `unix://${DEFAULT_SOCKET}`): EngineAddress {
  if (docker_host.startsWith('unix://')) return { socketPath: docker_host.slice('unix://'.length) || DEFAULT_SOCKET };
  if (!/^(tcp|http):\/\/[^/]+\/?$/.test(docker_host) || !URL.canParse(docker_host))
    throw new ErrandError(
      'unavailable',
      `DOCKER_HOST is '${docker_host}'. Its form must be unix:///path or tcp://host:port.`,
    );
  const { hostname, port } = new URL(docker_host.replace(/^tcp:/, 'http:'));
  return { host: hostname, port: port === '' ? 2375 : Number(port) };
}

/** The engine's HTTP status for a call that it refused; undefined without a response. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof EngineRefusal ? error.status : undefined;
}

/** The result of a call; undefined if its container or image does not exist. */
export async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}
