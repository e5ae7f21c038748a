import { Agent } from 'node:http';
import Docker from 'dockerode';
import { ErrandError } from '../../../protocol/problem.ts';

/** The engine does each of the calls that are made here in well under this time, on a loaded machine too. */
const CALL_MS = 20_000;
/** Whether it answers at all is known sooner: somebody waits for that. */
const LOOK_MS = 5_000;
/** A wait for a container's end is asked for anew after this time: an engine that hangs is found out by that. */
const WAIT_MS = 120_000;
/** Connections to the engine that are kept for later. */
const IDLE_MAX = 2;
const DEFAULT_SOCKET = '/var/run/docker.sock';

/** The ways to call the engine: each call ends within its time, with an error if need be. */
export type Engine = { looks: Docker; calls: Docker; waits: Docker; close: () => void };

/**
 * Connects to nothing yet. `docker_host` as DOCKER_HOST has it; undefined: the engine of this machine. Throws `unavailable` where it is of no
 * known form.
 */
export function openEngine(docker_host: string | undefined): Engine {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: IDLE_MAX });
  const address = { ...addressOf(docker_host), agent };
  return {
    looks: new Docker({ ...address, timeout: LOOK_MS }),
    calls: new Docker({ ...address, timeout: CALL_MS }),
    waits: new Docker({ ...address, timeout: WAIT_MS }),
    close: () => agent.destroy(),
  };
}

/** DOCKER_HOST as dockerode wants it. Throws `unavailable` where it is of no known form. */
export function addressOf(docker_host = `unix://${DEFAULT_SOCKET}`): Docker.DockerOptions {
  if (docker_host.startsWith('unix://')) return { socketPath: docker_host.slice('unix://'.length) || DEFAULT_SOCKET };
  if (!/^(tcp|http):\/\/[^/]+\/?$/.test(docker_host) || !URL.canParse(docker_host))
    throw new ErrandError(
      'unavailable',
      `DOCKER_HOST is '${docker_host}': give it as unix:///path or tcp://host:port.`,
    );
  const { hostname, port } = new URL(docker_host.replace(/^tcp:/, 'http:'));
  return { protocol: 'http', host: hostname, port: port === '' ? 2375 : Number(port) };
}

/** The engine's HTTP status for a call that it refused; undefined where there was no answer. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : undefined;
}

/** The result of a call on something that may not be there: undefined, then. */
export async function ifThere<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}
