import { resolve } from 'node:path';
import { Id } from '../protocol/ids.ts';
import { LIMITS } from '../protocol/limits.ts';
import { looksSecret } from '../protocol/secrets/secret-looks.ts';
import type { CoordinatorAddress } from './reporting/coordinator-client.ts';

/** Where the worker listens: a unix socket, or a host and port. */
export type Address = { kind: 'unix'; path: string } | { kind: 'tcp'; host: string; port: number };

export type WorkerConfig = {
  coordinator: CoordinatorAddress;
  /** Null: nobody can call the worker. It fetches its assignment, and works with callbacks alone. */
  listen: Address | null;
  /** Holds the clone in `repo`, and other directories of the work beside it. */
  workspace_dir: string;
  spool_dir: string;
  /** The task to fetch, if it is not handed over. */
  task: { id: string; token: string } | null;
  /** The variables of the worker that git and its commands inherit. */
  inherited_env: Record<string, string>;
  /** Those of its image, for its commands alone. */
  image_env: Record<string, string>;
  /** How long after its time limit an attempt waits for a coordinator that does not answer. */
  abandoned_ms: number;
};

/** The settings are wrong. `message` lists every fault, one a line. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const INHERITED = ['PATH', 'LANG', 'TZ', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'];

/** Variables of an image that commands do not get, besides secrets. */
const NOT_OF_IMAGE = [
  // Errand's own, and what its image and the base of that set for themselves.
  /^(?:ERRAND_.*|NODE_VERSION|YARN_VERSION)$/i,
  // What would lead past the proxy, or change how git works.
  /^(?:(?:HTTPS?|FTP|ALL|NO)_PROXY|GIT_.*)$/i,
  // How the program of an image runs. What installs and tests would take it for its own, and leave out what tests need.
  /^(?:(?:APP|MIX|NODE|RACK|RAILS)_ENV|NPM_CONFIG_(?:OMIT|PRODUCTION)|BUNDLE_.*|COMPOSER_NO_DEV|MAVEN_CONFIG)$/i,
  // Where tools write: an image is read-only.
  /^(?:.*CACHE(?:_DIR|_HOME)?|XDG_.*_HOME|.*_(?:CLI|USER)_HOME|YARN_CACHE_FOLDER|NPM_CONFIG_PREFIX)$/i,
  /^(?:CARGO_HOME|CARGO_TARGET_DIR|DENO_DIR|GOBIN|GOPATH|NUGET_PACKAGES)$/i,
];

/** Adds a fault to the list. Returns undefined, as the value that could not be read. */
type AddFault = (text: string) => undefined;

/** Reads the worker's settings from the environment. Throws one `ConfigError` that lists every fault. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): WorkerConfig {
  const faults: string[] = [];
  const addFault: AddFault = (text) => void faults.push(text);
  const get = (name: string) => (env[name]?.trim() ? env[name].trim() : undefined);
  const coordinator = parseCoordinatorAddress(get('ERRAND_COORDINATOR'), addFault);
  const listen = parseListenAddress(get('ERRAND_LISTEN'), addFault);
  const task = parseTask(get('ERRAND_TASK_ID'), get('ERRAND_TASK_TOKEN'), addFault);
  if (listen === null && get('ERRAND_TASK_ID') === undefined)
    addFault('ERRAND_LISTEN, or ERRAND_TASK_ID with ERRAND_TASK_TOKEN, must be set: otherwise the worker gets no task');
  if (coordinator === undefined || listen === undefined || faults.length > 0)
    throw new ConfigError(`These settings are wrong:\n${faults.map((text) => `  ${text}`).join('\n')}`);
  const workspace_dir = resolve(get('ERRAND_WORKSPACE') ?? '/workspace');
  return {
    coordinator,
    listen,
    workspace_dir,
    spool_dir: resolve(get('ERRAND_SPOOL') ?? `${workspace_dir}/spool`),
    task,
    inherited_env: pick(env, INHERITED),
    image_env: ofImage(pick(env, (get('ERRAND_COMMAND_ENV') ?? '').split(/[\s,]+/))),
    // Afterwards no heartbeat can renew its token.
    abandoned_ms: LIMITS.task_token_grace_s * 1000,
  };
}

/** The variables of these names that have a value. */
function pick(env: NodeJS.ProcessEnv, names: string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
}

/** Those that commands get. */
function ofImage(variables: Record<string, string>): Record<string, string> {
  const isLeftOut = (name: string, value: string) =>
    NOT_OF_IMAGE.some((form) => form.test(name)) || looksSecret(name, value);
  return Object.fromEntries(Object.entries(variables).filter(([name, value]) => !isLeftOut(name, value)));
}

function parseTask(id: string | undefined, token: string | undefined, addFault: AddFault): WorkerConfig['task'] {
  if (id !== undefined && !Id.safeParse(id).success) addFault('ERRAND_TASK_ID is not the id of a task');
  if ((id === undefined) !== (token === undefined))
    addFault('ERRAND_TASK_ID and ERRAND_TASK_TOKEN belong together: one of them is missing');
  return id !== undefined && token !== undefined ? { id, token } : null;
}

function parseCoordinatorAddress(value: string | undefined, addFault: AddFault): CoordinatorAddress | undefined {
  if (value === undefined)
    return addFault('ERRAND_COORDINATOR is missing: set it to unix:/path/to/coordinator.sock or http://host:port');
  if (value.startsWith('unix:/')) return { origin: 'http://coordinator', socket_path: value.slice('unix:'.length) };
  if (URL.canParse(value) && /^https?:\/\/[^/]+\/?$/.test(value))
    return { origin: new URL(value).origin, socket_path: null };
  return addFault('ERRAND_COORDINATOR is neither unix:/path/to/coordinator.sock nor http://host:port');
}

function parseListenAddress(value: string | undefined, addFault: AddFault): Address | null | undefined {
  if (value === undefined) return null;
  if (value.startsWith('unix:/')) return { kind: 'unix', path: value.slice('unix:'.length) };
  const match = /^(\[[0-9a-f:]+\]|[a-z0-9.-]+):(\d{1,5})$/i.exec(value);
  const port = Number(match?.[2]);
  if (match?.[1] !== undefined && port <= 65535) return { kind: 'tcp', host: match[1].replace(/^\[|\]$/g, ''), port };
  return addFault('ERRAND_LISTEN is neither unix:/path/to/worker.sock nor host:port');
}
