import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { z } from 'zod';
import type { Effort } from '../../protocol/task.ts';
import { readDestination, type BackupDestination } from './backup-destination.ts';
import { forgeFaults, signInConfig, type SignInConfig } from './forge-settings.ts';
import type { OutgoingProxy } from './outgoing.ts';
import type { SettingInForce } from '../../protocol/server.ts';
import { settingsInForce } from './settings-in-force.ts';
import { SETTING_NAMES, Settings } from './settings.ts';

/**
 * What keeps the server from starting, in words for its owner: a setting that is wrong (every fault at once, one a
 * line), or a data folder.
 */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

const MB = 1024 * 1024;
const DAY_MS = 24 * 3600_000;

/** What the command line reads, perhaps in the same shell: none of the server's settings. */
const CLIENT_VARIABLES = ['ERRAND_PASSWORD', 'ERRAND_SERVER', 'ERRAND_TOKEN'];

/** What the server runs by. Money in US dollars; the rest bears its unit. */
export type Config = SignInConfig & {
  host: string;
  port: number;
  /** The address that people use, where it is not the one that the server listens on. */
  public_url: string | undefined;
  /** The name that is this server's alone, with TLS by the Caddy of compose.yaml. */
  domain: string | undefined;
  /** Whom push services can write to: a `mailto:` or https address. Undefined: the server's address, or its owner. */
  push_contact: string | undefined;
  /** The hosts that the server answers to, beside `localhost` and its own addresses: `name` or `name:port`. */
  hosts: string[];
  /** The origins of other apps whose pages may use the API, in lower case. */
  cors_origins: string[];
  callback_host: string;
  callback_port: number;
  data_dir: string;
  /** Undefined: Docker; on a machine without it processes, for a trial only (workers/choice/decide-runner.ts). */
  runner: 'docker' | 'process' | undefined;
  /** With less room than this on the data folder's disk, no work is started. */
  disk_free_bytes_min: number;
  workers: number;
  warm_workers: number;
  worker_image: string;
  /** The references of further images, which projects may choose, by their names. */
  worker_images: ReadonlyMap<string, string>;
  /** The engine's runtime for workers. Undefined: the engine's own choice. */
  worker_runtime: string | undefined;
  /** The command that starts a worker, with the runner `process`. Undefined: Errand's own agent. */
  worker_command: string | undefined;
  worker_memory_bytes: number;
  worker_cpus: number;
  worker_pids_max: number;
  workspace_bytes_max: number;
  model: string;
  effort: Effort;
  budget_usd: number;
  /** The highest budget that anybody but the owner may give an errand. */
  member_budget_usd_max: number;
  /** The most that the errands of one person, and of all, may cost in a calendar month (UTC). Undefined: no limit. */
  person_month_usd: number | undefined;
  server_month_usd: number | undefined;
  max_turns: number;
  time_limit_ms: number;
  /** What the events of an attempt, and of an errand, may take in the log. */
  event_quotas: EventQuotas;
  /** After how long without an answer an errand gives its worker back. */
  park_after_ms: number;
  /** How long a task is kept after its end, and how much one person may keep before those of their tasks go sooner. */
  keep_ms: number;
  keep_log_bytes: number;
  /** How long the workspace of a task is kept after its end, and how much those of one person may take together. */
  keep_workspaces_ms: number;
  keep_workspaces_bytes: number;
  signup: 'open' | 'closed';
  /** Whether the client's address is read from X-Forwarded-For. */
  trust_proxy: boolean;
  /** Hosts (with a port or for any) at private addresses that git and the forward proxy may reach nevertheless. */
  proxy: OutgoingProxy;
  private_hosts: string[];
  /** A credential for repositories on `git_host` whose project has none. It serves the owner and these people. */
  git_token: string | undefined;
  git_token_users: string[];
  git_host: string;
  /** A JSON file that overrides or extends the price table. */
  prices_file: string | undefined;
  /** Who bears it may read the metrics. Undefined: there are none. */
  metrics_token: string | undefined;
  /** Undefined: no backups are made. */
  backup: Backup | undefined;
  log_level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Undefined: the demo model. */
  anthropic_api_key: string | undefined;
  anthropic_base_url: string;
  docker_host: string | undefined;
  /** What a worker that is a process of this machine gets of this environment: nothing that could be a secret. */
  worker_env: Record<string, string>;
  /** All settings, for the owner to see. Secrets are left out. */
  in_force: SettingInForce[];
};

/** The quotas of events: of one attempt, and of all attempts of a task together. */
export type EventQuotas = { attempt: EventQuota; task: EventQuota };
export type EventQuota = { bytes_max: number; events_max: number };

type Backup = {
  to: BackupDestination;
  every_ms: number;
  /** What the backup program gets of this environment: its settings, and no other secret than the store's. */
  env: Record<string, string>;
};

const BACKUP_ENV =
  /^(ERRAND_BACKUP_\w+|ERRAND_DISK_FREE_MB_MIN|AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|NODE_EXTRA_CA_CERTS|NODE_COMPILE_CACHE|PATH|HOME|TZ)$/;
const WORKER_ENV = new Set(['PATH', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_COMPILE_CACHE']);

/** Other programs read these in lower case too. */
const PROXY_VARIABLES = ['HTTPS_PROXY', 'HTTP_PROXY', 'NO_PROXY'];

/** The settings as they were given, without empty ones. */
export type GivenSettings = Readonly<Record<string, string | undefined>>;

/**
 * Reads the settings. Throws one `ConfigError` that names every fault; warns of nothing and starts nothing.
 * `moreFaults`: finds those that only other parts of the server can see. What has a wrong form is reported already.
 */
export function readConfig(
  env: NodeJS.ProcessEnv = process.env,
  moreFaults: (given: GivenSettings) => string[] = () => [],
): Config {
  // An empty variable is one that was not set: compose files pass those on.
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  );
  for (const name of PROXY_VARIABLES) given[name] ??= given[name.toLowerCase()];
  const result = Settings.safeParse(given);
  const faults = result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  faults.push(...unknownNames(Object.keys(given)).map((name) => `${name} is not a setting of Errand`));
  if (given.ERRAND_WORKER_COMMAND !== undefined && given.ERRAND_RUNNER !== 'process')
    faults.push('ERRAND_WORKER_COMMAND needs ERRAND_RUNNER=process: its workers are processes without isolation');
  if (given.ERRAND_WORKER_IMAGES !== undefined && given.ERRAND_RUNNER === 'process')
    faults.push('ERRAND_WORKER_IMAGES needs containers: with ERRAND_RUNNER=process workers have no image');
  faults.push(...forgeFaults(given));
  const to = readDestination(given);
  if (to && 'faults' in to) faults.push(...to.faults);
  faults.push(...moreFaults(given));
  if (!result.success || faults.length > 0 || (to && 'faults' in to))
    throw new ConfigError(`These settings are wrong:\n${faults.map(indented).join('\n')}`);
  const { data: settings } = result;
  return {
    ...toConfig(settings),
    backup: to && {
      to,
      every_ms: settings.ERRAND_BACKUP_EVERY_MINUTES * 60_000,
      env: { ...pick(given, (name) => BACKUP_ENV.test(name)), ERRAND_DATA: resolve(settings.ERRAND_DATA) },
    },
    in_force: settingsInForce(given),
    worker_env: pick(env, (name) => WORKER_ENV.has(name)),
  };
}

/** The names that look like settings of Errand, and are none. */
export function unknownNames(names: readonly string[]): string[] {
  return names.filter(
    (name) => name.startsWith('ERRAND_') && !SETTING_NAMES.includes(name) && !CLIENT_VARIABLES.includes(name),
  );
}

/** A fault as a part of a list. Its further lines belong to it. */
function indented(fault: string): string {
  return `  ${fault.replaceAll('\n', '\n    ')}`;
}

function toConfig(s: z.infer<typeof Settings>): Omit<Config, 'backup' | 'in_force' | 'worker_env'> {
  return {
    host: s.HOST,
    port: s.PORT,
    public_url: publicUrl(s),
    domain: s.ERRAND_DOMAIN,
    hosts: hostsOf(s),
    cors_origins: s.ERRAND_CORS_ORIGINS,
    callback_host: s.ERRAND_CALLBACK_HOST,
    callback_port: s.ERRAND_CALLBACK_PORT,
    data_dir: resolve(s.ERRAND_DATA),
    runner: s.ERRAND_RUNNER,
    disk_free_bytes_min: s.ERRAND_DISK_FREE_MB_MIN * MB,
    workers: s.ERRAND_WORKERS,
    warm_workers: s.ERRAND_WARM_WORKERS,
    worker_image: s.ERRAND_WORKER_IMAGE,
    worker_images: s.ERRAND_WORKER_IMAGES,
    worker_runtime: s.ERRAND_WORKER_RUNTIME,
    worker_command: s.ERRAND_WORKER_COMMAND,
    worker_memory_bytes: s.ERRAND_WORKER_MEMORY_MB * MB,
    worker_cpus: s.ERRAND_WORKER_CPUS,
    worker_pids_max: s.ERRAND_WORKER_PIDS,
    workspace_bytes_max: s.ERRAND_WORKSPACE_MB * MB,
    model: s.ERRAND_MODEL,
    effort: s.ERRAND_EFFORT,
    budget_usd: s.ERRAND_BUDGET_USD,
    member_budget_usd_max: s.ERRAND_MEMBER_BUDGET_USD_MAX ?? s.ERRAND_BUDGET_USD,
    person_month_usd: s.ERRAND_PERSON_MONTH_USD,
    server_month_usd: s.ERRAND_SERVER_MONTH_USD,
    max_turns: s.ERRAND_MAX_TURNS,
    time_limit_ms: s.ERRAND_TIME_LIMIT_MINUTES * 60_000,
    event_quotas: {
      attempt: {
        bytes_max: Math.min(s.ERRAND_ATTEMPT_EVENTS_MB, s.ERRAND_EVENTS_MB) * MB,
        events_max: Math.min(s.ERRAND_ATTEMPT_EVENTS, s.ERRAND_EVENTS),
      },
      task: { bytes_max: s.ERRAND_EVENTS_MB * MB, events_max: s.ERRAND_EVENTS },
    },
    park_after_ms: s.ERRAND_PARK_AFTER_MS,
    keep_ms: s.ERRAND_KEEP_DAYS * DAY_MS,
    keep_log_bytes: s.ERRAND_KEEP_LOG_MB * MB,
    keep_workspaces_ms: s.ERRAND_KEEP_WORKSPACES_DAYS * DAY_MS,
    keep_workspaces_bytes: s.ERRAND_KEEP_WORKSPACES_MB * MB,
    signup: s.ERRAND_SIGNUP,
    trust_proxy: s.ERRAND_TRUST_PROXY ?? s.ERRAND_DOMAIN !== undefined,
    push_contact: s.ERRAND_PUSH_CONTACT,
    proxy: { https_proxy: s.HTTPS_PROXY, http_proxy: s.HTTP_PROXY, no_proxy: s.NO_PROXY },
    private_hosts: s.ERRAND_PRIVATE_HOSTS,
    git_token: s.ERRAND_GIT_TOKEN,
    git_token_users: s.ERRAND_GIT_TOKEN_USERS,
    git_host: s.ERRAND_GIT_HOST.toLowerCase(),
    ...signInConfig(s),
    prices_file: s.ERRAND_PRICES,
    metrics_token: s.ERRAND_METRICS_TOKEN,
    log_level: s.ERRAND_LOG,
    anthropic_api_key: s.ANTHROPIC_API_KEY ?? s.CLAUDE_API_KEY,
    anthropic_base_url: s.ANTHROPIC_BASE_URL,
    docker_host: s.DOCKER_HOST,
  };
}

function publicUrl({ ERRAND_PUBLIC_URL, ERRAND_DOMAIN }: z.infer<typeof Settings>): string | undefined {
  return ERRAND_PUBLIC_URL ?? (ERRAND_DOMAIN === undefined ? undefined : `https://${ERRAND_DOMAIN}`);
}

/** Where people and workers reach the server by the settings, and what the owner adds. */
function hostsOf(s: z.infer<typeof Settings>): string[] {
  const url = publicUrl(s);
  // The domain also where another address is published: its proxy serves both.
  const published = new Set([
    ...(url === undefined ? [] : [new URL(url).host]),
    ...(s.ERRAND_DOMAIN === undefined ? [] : [s.ERRAND_DOMAIN]),
  ]);
  const listening = [s.HOST, s.ERRAND_CALLBACK_HOST].filter((host) => isIP(host) === 0);
  return [...published, ...listening.map((host) => host.toLowerCase()), ...s.ERRAND_HOSTS];
}

/** The variables whose names fit. */
function pick(env: NodeJS.ProcessEnv, fits: (name: string) => boolean): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value !== undefined && fits(name) ? [[name, value]] : [])),
  );
}

/** Whether a listener on this address is reachable from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
