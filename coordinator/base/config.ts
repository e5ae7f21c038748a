import { isIP } from 'node:net';
import { resolve } from 'node:path';
import { z } from 'zod';
import { readDestination, S3_REGION_DEFAULT, type BackupDestination } from './backup-destination.ts';

/** What keeps the server from starting, in words for its owner: a setting that is wrong (every fault at once, one a line), or a data folder. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** The name of Errand's own worker image: the only one that a checkout of Errand may build. */
export const OWN_WORKER_IMAGE = 'errand-agent';

const MB = 1024 * 1024;
const DAY_MS = 24 * 3600_000;

const whole = (min: number, max: number, preset: number) =>
  z
    .string()
    .regex(/^-?\d+$/, 'is not a whole number')
    .transform(Number)
    .pipe(z.number().min(min, `is below ${min}`).max(max, `is above ${max}`))
    .default(preset);
const amount = (max: number, preset: number) =>
  z
    .string()
    .regex(/^\d+(\.\d+)?$/, 'is not a number')
    .transform(Number)
    .pipe(z.number().positive('must be above 0').max(max, `is above ${max}`))
    .default(preset);
const httpUrl = z
  .url({ protocol: /^https?$/, error: 'is not an address that begins with http:// or https://' })
  .transform((value) => value.replace(/\/+$/, ''));
const yesNo = z.enum(['true', 'false'], 'is neither true nor false').transform((value) => value === 'true');
const HOST_AND_PORT = /^[a-z0-9.-]+(:\d{1,5})?$|^\[[0-9a-f:]+\](:\d{1,5})?$/i;

const Settings = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: whole(0, 65535, 8787),
  ERRAND_CALLBACK_HOST: z.string().default('127.0.0.1'),
  ERRAND_CALLBACK_PORT: whole(0, 65535, 8788),
  ERRAND_DATA: z.string().default('./data'),
  ERRAND_RUNNER: z.enum(['docker', 'process'], 'is neither docker nor process').optional(),
  ERRAND_DISK_FREE_MB_MIN: whole(1, 1_048_576, 500),
  ERRAND_WORKERS: whole(1, 100, 2),
  ERRAND_WARM_WORKERS: whole(0, 20, 1),
  ERRAND_WORKER_IMAGE: z
    .string()
    .regex(/^[a-z0-9][\w.\-/:@]*$/, 'is not the name of an image')
    .default(OWN_WORKER_IMAGE),
  ERRAND_WORKER_MEMORY_MB: whole(128, 1_048_576, 1536),
  ERRAND_WORKER_CPUS: amount(256, 2),
  ERRAND_WORKER_PIDS: whole(32, 32_768, 512),
  ERRAND_WORKSPACE_MB: whole(16, 16_777_216, 10_240),
  ERRAND_MODEL: z.string().default('claude-sonnet-5-5'),
  ERRAND_BUDGET_USD: amount(1000, 5),
  ERRAND_MAX_TURNS: whole(1, 1000, 150),
  ERRAND_TIME_LIMIT_MINUTES: whole(1, 24 * 60, 90),
  ERRAND_KEEP_DAYS: whole(1, 36_500, 365),
  ERRAND_KEEP_LOG_MB: whole(16, 16_777_216, 4096),
  ERRAND_KEEP_WORKSPACES_DAYS: whole(0, 36_500, 14),
  ERRAND_KEEP_WORKSPACES_MB: whole(0, 16_777_216, 10_240),
  ERRAND_SIGNUP: z.enum(['open', 'closed'], 'is neither open nor closed').default('closed'),
  ERRAND_TRUST_PROXY: yesNo.default(false),
  ERRAND_PRIVATE_HOSTS: z
    .string()
    .default('')
    .transform((value) => value.split(/[\s,]+/).filter((part) => part !== ''))
    .refine((hosts) => hosts.every((host) => HOST_AND_PORT.test(host)), 'is not a list of host or host:port'),
  ERRAND_GIT_TOKEN: z.string().optional(),
  ERRAND_GIT_HOST: z.string().regex(HOST_AND_PORT, 'is not a host or host:port').default('github.com'),
  ERRAND_PRICES: z.string().optional(),
  ERRAND_METRICS_TOKEN: z
    .string()
    .regex(/^[\w.~+/=-]{16,}$/, 'is no token: 16 or more letters, digits and . _ ~ + / = -')
    .optional(),
  ERRAND_BACKUP_TO: z.string().optional(),
  ERRAND_BACKUP_EVERY_MINUTES: whole(1, 7 * 24 * 60, 60),
  ERRAND_BACKUP_S3_ENDPOINT: httpUrl.optional(),
  ERRAND_BACKUP_S3_REGION: z
    .string()
    .regex(/^[\w-]{1,60}$/, 'is not the name of a region')
    .default(S3_REGION_DEFAULT),
  AWS_ACCESS_KEY_ID: z.string().optional(),
  AWS_SECRET_ACCESS_KEY: z.string().optional(),
  ERRAND_LOG: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'], 'is none of debug, info, warn, error, silent')
    .default('info'),
  ANTHROPIC_API_KEY: z.string().optional(),
  CLAUDE_API_KEY: z.string().optional(),
  ANTHROPIC_BASE_URL: httpUrl.default('https://api.anthropic.com'),
  DOCKER_HOST: z.string().optional(),
});

/** What the command line reads, perhaps in the same shell: none of the server's settings. */
const CLIENT_VARIABLES = ['ERRAND_PASSWORD', 'ERRAND_SERVER'];

/** The names of all settings. */
export const SETTING_NAMES = Object.keys(Settings.shape);

/** What the server runs by. Money in US dollars; the rest bears its unit. */
export type Config = {
  host: string;
  port: number;
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
  worker_memory_bytes: number;
  worker_cpus: number;
  worker_pids_max: number;
  workspace_bytes_max: number;
  model: string;
  budget_usd: number;
  max_turns: number;
  time_limit_ms: number;
  /** How long a task is kept after its end, and how much of the database may be in use before tasks that ended go sooner. */
  keep_ms: number;
  keep_log_bytes: number;
  /** How long the workspace of a task is kept after its end, and how much those may take up together. */
  keep_workspaces_ms: number;
  keep_workspaces_bytes: number;
  signup: 'open' | 'closed';
  /** Whether the client's address is read from X-Forwarded-For. */
  trust_proxy: boolean;
  /** Hosts (with a port or for any) at private addresses that git and the forward proxy may reach nevertheless. */
  private_hosts: string[];
  /** A credential for repositories on `git_host` whose project has none. */
  git_token: string | undefined;
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
};

type Backup = {
  to: BackupDestination;
  every_ms: number;
  /** What the backup program gets of this environment: its settings, and no other secret than the store's. */
  env: Record<string, string>;
};

const BACKUP_ENV =
  /^(ERRAND_BACKUP_\w+|ERRAND_DISK_FREE_MB_MIN|AWS_ACCESS_KEY_ID|AWS_SECRET_ACCESS_KEY|NODE_EXTRA_CA_CERTS|NODE_COMPILE_CACHE|PATH|HOME|TZ)$/;
const WORKER_ENV = new Set(['PATH', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'NODE_COMPILE_CACHE']);

/** Reads the settings. Throws one `ConfigError` that names every fault; warns of nothing and starts nothing. */
export function readConfig(env: NodeJS.ProcessEnv = process.env): Config {
  // An empty variable is one that was not set: compose files pass those on.
  const given = Object.fromEntries(
    Object.entries(env).filter(([, value]) => value !== undefined && value.trim() !== ''),
  );
  const result = Settings.safeParse(given);
  const faults = result.success ? [] : result.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`);
  for (const name of Object.keys(given))
    if (name.startsWith('ERRAND_') && !SETTING_NAMES.includes(name) && !CLIENT_VARIABLES.includes(name))
      faults.push(`${name} is not a setting of Errand`);
  const to = readDestination(given);
  if (to && 'faults' in to) faults.push(...to.faults);
  if (!result.success || faults.length > 0 || (to && 'faults' in to))
    throw new ConfigError(`These settings are wrong:\n${faults.map((fault) => `  ${fault}`).join('\n')}`);
  const { data: settings } = result;
  return {
    ...toConfig(settings),
    backup: to && {
      to,
      every_ms: settings.ERRAND_BACKUP_EVERY_MINUTES * 60_000,
      env: { ...pick(given, (name) => BACKUP_ENV.test(name)), ERRAND_DATA: resolve(settings.ERRAND_DATA) },
    },
    worker_env: pick(env, (name) => WORKER_ENV.has(name)),
  };
}

function toConfig(s: z.infer<typeof Settings>): Omit<Config, 'backup' | 'worker_env'> {
  return {
    host: s.HOST,
    port: s.PORT,
    callback_host: s.ERRAND_CALLBACK_HOST,
    callback_port: s.ERRAND_CALLBACK_PORT,
    data_dir: resolve(s.ERRAND_DATA),
    runner: s.ERRAND_RUNNER,
    disk_free_bytes_min: s.ERRAND_DISK_FREE_MB_MIN * 1024 * 1024,
    workers: s.ERRAND_WORKERS,
    warm_workers: s.ERRAND_WARM_WORKERS,
    worker_image: s.ERRAND_WORKER_IMAGE,
    worker_memory_bytes: s.ERRAND_WORKER_MEMORY_MB * MB,
    worker_cpus: s.ERRAND_WORKER_CPUS,
    worker_pids_max: s.ERRAND_WORKER_PIDS,
    workspace_bytes_max: s.ERRAND_WORKSPACE_MB * 1024 * 1024,
    model: s.ERRAND_MODEL,
    budget_usd: s.ERRAND_BUDGET_USD,
    max_turns: s.ERRAND_MAX_TURNS,
    time_limit_ms: s.ERRAND_TIME_LIMIT_MINUTES * 60_000,
    keep_ms: s.ERRAND_KEEP_DAYS * DAY_MS,
    keep_log_bytes: s.ERRAND_KEEP_LOG_MB * MB,
    keep_workspaces_ms: s.ERRAND_KEEP_WORKSPACES_DAYS * DAY_MS,
    keep_workspaces_bytes: s.ERRAND_KEEP_WORKSPACES_MB * MB,
    signup: s.ERRAND_SIGNUP,
    trust_proxy: s.ERRAND_TRUST_PROXY,
    private_hosts: s.ERRAND_PRIVATE_HOSTS.map((host) => host.toLowerCase()),
    git_token: s.ERRAND_GIT_TOKEN,
    git_host: s.ERRAND_GIT_HOST.toLowerCase(),
    prices_file: s.ERRAND_PRICES,
    metrics_token: s.ERRAND_METRICS_TOKEN,
    log_level: s.ERRAND_LOG,
    anthropic_api_key: s.ANTHROPIC_API_KEY ?? s.CLAUDE_API_KEY,
    anthropic_base_url: s.ANTHROPIC_BASE_URL,
    docker_host: s.DOCKER_HOST,
  };
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
