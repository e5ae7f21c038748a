import { resolve } from 'node:path';
import { Id } from '../protocol/ids.ts';

/** Where something listens: a unix socket, or a host and port. */
export type Address = { kind: 'unix'; path: string } | { kind: 'tcp'; host: string; port: number };

/** Where the coordinator is. `origin` is what stands before a path in its URLs; over a socket its host is a mere name. */
export type CoordinatorAddress = { origin: string; socket_path: string | null };

export type WorkerConfig = {
  coordinator: CoordinatorAddress;
  /** Null: the worker is not called. It fetches its assignment, and works by callbacks alone. */
  listen: Address | null;
  /** Holds `repo`, and what the work needs beside it. */
  workspace_dir: string;
  spool_dir: string;
  /** The task to fetch, where no call can hand it over. */
  task: { id: string; token: string } | null;
  /** What commands get of the worker's own environment: where programs are, and the words they speak. */
  inherited_env: Record<string, string>;
};

/** A setting that is wrong. `message` names every fault at once, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const INHERITED = ['PATH', 'LANG', 'TZ', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];

/** Reads the worker's settings. Throws one `ConfigError` that names every fault. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): WorkerConfig {
  const faults: string[] = [];
  const get = (name: string) => (env[name]?.trim() ? env[name].trim() : undefined);
  const fault = (words: string) => {
    faults.push(words);
    return undefined;
  };
  const coordinator = coordinatorAddress(get('ERRAND_COORDINATOR'), fault);
  const listen = listenAddress(get('ERRAND_LISTEN'), fault);
  const id = get('ERRAND_TASK_ID');
  const token = get('ERRAND_TASK_TOKEN');
  if (id !== undefined && !Id.safeParse(id).success) fault('ERRAND_TASK_ID is not the id of a task');
  if ((id === undefined) !== (token === undefined))
    fault('ERRAND_TASK_ID and ERRAND_TASK_TOKEN belong together: one of them is missing');
  if (listen === null && id === undefined)
    fault('ERRAND_LISTEN or ERRAND_TASK_ID with ERRAND_TASK_TOKEN must be set: else no task can come to this worker');
  if (coordinator === undefined || listen === undefined || faults.length > 0)
    throw new ConfigError(`These settings are wrong:\n${faults.map((words) => `  ${words}`).join('\n')}`);
  const workspace_dir = resolve(get('ERRAND_WORKSPACE') ?? '/workspace');
  return {
    coordinator,
    listen,
    workspace_dir,
    spool_dir: resolve(get('ERRAND_SPOOL') ?? `${workspace_dir}/spool`),
    task: id !== undefined && token !== undefined ? { id, token } : null,
    inherited_env: Object.fromEntries(INHERITED.flatMap((name) => (env[name] ? [[name, env[name]]] : []))),
  };
}

type Fault = (words: string) => undefined;

function coordinatorAddress(value: string | undefined, fault: Fault): CoordinatorAddress | undefined {
  if (value === undefined)
    return fault('ERRAND_COORDINATOR is missing: unix:/path/to/coordinator.sock or http://host:port');
  if (value.startsWith('unix:/')) return { origin: 'http://coordinator', socket_path: value.slice('unix:'.length) };
  if (URL.canParse(value) && /^https?:\/\/[^/]+\/?$/.test(value))
    return { origin: new URL(value).origin, socket_path: null };
  return fault('ERRAND_COORDINATOR is neither unix:/path/to/coordinator.sock nor http://host:port');
}

function listenAddress(value: string | undefined, fault: Fault): Address | null | undefined {
  if (value === undefined) return null;
  if (value.startsWith('unix:/')) return { kind: 'unix', path: value.slice('unix:'.length) };
  const match = /^(\[[0-9a-f:]+\]|[a-z0-9.-]+):(\d{1,5})$/i.exec(value);
  const port = Number(match?.[2]);
  if (match?.[1] !== undefined && port <= 65535) return { kind: 'tcp', host: match[1].replace(/^\[|\]$/g, ''), port };
  return fault('ERRAND_LISTEN is neither unix:/path/to/worker.sock nor host:port');
}
