import { z } from 'zod';
import { LIMITS } from '../../protocol/limits.ts';
import { Effort } from '../../protocol/task.ts';
import { S3_REGION_DEFAULT } from './backup-destination.ts';
import { forges, signIn } from './forge-settings.ts';
import {
  amount,
  headerKey,
  HOST_AND_PORT,
  hostList,
  httpUrl,
  imageList,
  imageReference,
  list,
  listenHost,
  optionalAmount,
  ORIGIN,
  ownUrl,
  path,
  proxyUrl,
  secret,
  whole,
  yesNo,
} from './setting-forms.ts';

/*
 * The settings: environment variables, each with its form, its default and its description. `config.ts` reads them.
 * `npm run docs` writes them to coordinator/README.md and coordinator/errand.env.example.
 */

const MB = 1024 * 1024;

/** The name of Errand's own worker image: the only one that the server builds itself. */
export const OWN_WORKER_IMAGE = 'errand-agent';

const claude = {
  ANTHROPIC_API_KEY: headerKey.describe('the API key; without one the demo model answers'),
  CLAUDE_API_KEY: headerKey.describe('another name for `ANTHROPIC_API_KEY`'),
  ANTHROPIC_BASE_URL: httpUrl.default('https://api.anthropic.com').describe('the address of the API'),
  ERRAND_MODEL: z
    .string()
    .default('claude-sonnet-5-5')
    .describe('the model, unless the errand or its project names one'),
  ERRAND_EFFORT: z
    .enum(Effort.options, `is none of ${Effort.options.join(', ')}`)
    .default('medium')
    .describe('how much the model thinks, unless the errand or its project says: low, medium, high, xhigh or max'),
  ERRAND_PRICES: path.optional().describe('a JSON file that changes or adds prices'),
};

const server = {
  HOST: listenHost.default('127.0.0.1').describe('the address to listen on'),
  PORT: whole(0, 65535, 8787).describe('the port to listen on'),
  ERRAND_DOMAIN: z
    .string()
    .toLowerCase()
    .regex(
      /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*$/,
      'is not a name in DNS, such as errand.example.org',
    )
    .optional()
    .describe('the name that the Caddy of `compose.yaml` serves with TLS: see "TLS"'),
  ERRAND_PUBLIC_URL: ownUrl
    .optional()
    .describe(
      'the address that people use, if a proxy or a container publishes another; unset: `https://` and `ERRAND_DOMAIN`',
    ),
  ERRAND_PUSH_CONTACT: z
    .string()
    .regex(/^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/, 'is neither a mailto: nor an https address')
    .optional()
    .describe(
      'whom push services can write to about notifications: `mailto:you@example.org` or an https address; unset: the public address, ' +
        "or the owner's e-mail address",
    ),
  ERRAND_HOSTS: hostList.describe(
    'further hosts that people use to reach the server: `host` or `host:port`, with commas',
  ),
  ERRAND_CORS_ORIGINS: list
    .refine((origins) => origins.every((origin) => ORIGIN.test(origin)), 'is not a list of origins: scheme://host')
    .describe('origins of other apps whose pages may use the API, such as `https://app.example.org`, with commas'),
  HTTPS_PROXY: proxyUrl.describe('the proxy for requests to Claude and to git hosts over HTTPS'),
  HTTP_PROXY: proxyUrl.describe('the same over HTTP'),
  NO_PROXY: z
    .string()
    .default('')
    .describe('hosts that are reached without the proxy, such as `.example.org,10.0.0.5`'),
  ERRAND_TRUST_PROXY: yesNo
    .optional()
    .describe('`true`: believe `X-Forwarded-For` and `X-Forwarded-Proto`; unset: only with `ERRAND_DOMAIN`'),
  ERRAND_SIGNUP: z
    .enum(['open', 'closed'], 'is neither open nor closed')
    .default('closed')
    .describe('`open`: anyone may make an account; `closed`: only the first user'),
  ERRAND_DATA: path.default('./data').describe('the folder for the database, keys and workspaces'),
  ERRAND_ENV_FILE: path
    .optional()
    .describe(
      'a file with settings for whatever starts the server, to find misspelt names in; Compose sets it to its `.env`',
    ),
  ERRAND_DISK_FREE_MB_MIN: whole(1, 1_048_576, 500, 'MB').describe(
    'start no new work with less free disk space than this',
  ),
  ERRAND_METRICS_TOKEN: z
    .string()
    .regex(/^[\w.~+/=-]{16,}$/, 'is no token: 16 or more letters, digits and . _ ~ + / = -')
    .optional()
    .describe('the bearer token for `GET /metrics`, at least 16 characters'),
  ERRAND_LOG: z
    .enum(['debug', 'info', 'warn', 'error', 'silent'], 'is none of debug, info, warn, error, silent')
    .default('info')
    .describe('the log level: `debug`, `info`, `warn`, `error` or `silent`'),
};

const workers = {
  ERRAND_RUNNER: z
    .enum(['docker', 'process'], 'is neither docker nor process')
    .optional()
    .describe('`docker`, or `process` for no isolation; unset: Docker, or see "Run it"'),
  ERRAND_WORKERS: whole(1, 100, 2).describe('how many errands run at the same time'),
  ERRAND_WARM_WORKERS: whole(0, 20, 1).describe('how many idle workers are kept ready, so that errands begin at once'),
  ERRAND_WORKER_IMAGE: imageReference
    .default(OWN_WORKER_IMAGE)
    .describe('the image of the workers, unless their project names another one'),
  ERRAND_WORKER_IMAGES: imageList.describe(
    'further images that projects may name: `name=image`, such as `rust=errand-rust,go=errand-go`, with commas; see "Images of projects"',
  ),
  ERRAND_WORKER_RUNTIME: z
    .string()
    .regex(/^[A-Za-z0-9][\w.-]{0,99}$/, 'is not the name of a runtime')
    .optional()
    .describe("the engine's runtime for workers, such as `runsc` (gVisor); unset: the engine's own choice"),
  ERRAND_WORKER_COMMAND: z
    .string()
    .optional()
    .describe("with `ERRAND_RUNNER=process`: the command that starts a worker, instead of Errand's own agent"),
  ERRAND_WORKER_MEMORY_MB: whole(128, 1_048_576, 1536, 'MB').describe('the memory of one worker'),
  ERRAND_WORKER_CPUS: amount(256, 2).describe('the CPUs of one worker'),
  ERRAND_WORKER_PIDS: whole(32, 32_768, 512).describe('the processes and threads of one worker'),
  ERRAND_WORKSPACE_MB: whole(16, 16_777_216, 10_240, 'MB').describe(
    'the size of one workspace; if it grows larger, the errand fails',
  ),
  ERRAND_CALLBACK_HOST: listenHost
    .default('127.0.0.1')
    .describe('the address for the callbacks of workers without a socket'),
  ERRAND_CALLBACK_PORT: whole(0, 65535, 8788).describe('the port for them; opened only when a worker needs it'),
  DOCKER_HOST: z.string().optional().describe('the engine: `unix:///path` or `tcp://host:port`; unset: the usual one'),
};

const limits = {
  ERRAND_BUDGET_USD: amount(1000, 5).describe('the budget of an errand in US dollars'),
  ERRAND_MEMBER_BUDGET_USD_MAX: optionalAmount(1000).describe(
    'the most that others than the owner may give an errand; unset: `ERRAND_BUDGET_USD`',
  ),
  ERRAND_PERSON_MONTH_USD: optionalAmount(1_000_000).describe(
    'what the errands of one person may cost in a calendar month (UTC); unset: no limit',
  ),
  ERRAND_SERVER_MONTH_USD: optionalAmount(1_000_000).describe(
    'the same of all people together; set a limit at the API, too',
  ),
  ERRAND_MAX_TURNS: whole(1, 1000, 150).describe('the number of model turns of an errand'),
  ERRAND_TIME_LIMIT_MINUTES: whole(1, 24 * 60, 90, 'minutes').describe('the time limit of one attempt'),
  ERRAND_EVENTS_MB: whole(1, 65_536, LIMITS.task_log_bytes_max / MB, 'MB').describe(
    'the size of the events of an errand, of all its attempts together',
  ),
  ERRAND_EVENTS: whole(100, 100_000_000, LIMITS.task_events_max).describe(
    'the number of these events, at most that of its errand',
  ),
  ERRAND_ATTEMPT_EVENTS_MB: whole(1, 65_536, LIMITS.attempt_log_bytes_max / MB, 'MB').describe(
    'the size of the events of one attempt, at most that of its errand',
  ),
  ERRAND_ATTEMPT_EVENTS: whole(100, 100_000_000, LIMITS.attempt_events_max).describe('the number of these events'),
  ERRAND_PARK_AFTER_MS: whole(1, 24 * 3600_000, 180_000, 'milliseconds').describe(
    'after how long without an answer an errand gives its worker back, and waits without one',
  ),
};

const retention = {
  ERRAND_KEEP_DAYS: whole(1, 36_500, 365, 'days').describe('how long an errand is kept after its end'),
  ERRAND_KEEP_LOG_MB: whole(16, 16_777_216, 4096, 'MB').describe(
    'the size of what one person keeps of ended errands; above it some of their own are removed early',
  ),
  ERRAND_KEEP_WORKSPACES_DAYS: whole(0, 36_500, 14, 'days').describe(
    'how long a workspace is kept after the end of its errand',
  ),
  ERRAND_KEEP_WORKSPACES_MB: whole(0, 16_777_216, 10_240, 'MB').describe(
    "the total size of the workspaces of one person's ended errands",
  ),
};

const git = {
  ERRAND_GIT_TOKEN: secret.optional().describe("a token for the owner's repositories whose project has none"),
  ERRAND_GIT_TOKEN_USERS: list.describe(
    'whose errands may use it too: e-mail addresses of accounts that exist, with commas',
  ),
  ERRAND_GIT_HOST: z
    .string()
    .regex(HOST_AND_PORT, 'is not a host or host:port')
    .default('github.com')
    .describe('the only host that `ERRAND_GIT_TOKEN` is sent to'),
  ERRAND_PRIVATE_HOSTS: hostList.describe(
    'private hosts, and hosts of git at other ports than 80 and 443, that may be reached, also by notifications: `host` or `host:port`, with commas',
  ),
};

const backups = {
  ERRAND_BACKUP_TO: path.optional().describe('the whole path of a folder, or `s3://bucket/prefix`; unset: no backups'),
  ERRAND_BACKUP_EVERY_MINUTES: whole(1, 7 * 24 * 60, 60, 'minutes').describe('the time between two backups'),
  ERRAND_BACKUP_S3_ENDPOINT: httpUrl
    .optional()
    .describe('the address of the S3 store; unset: that of AWS for the region'),
  ERRAND_BACKUP_S3_REGION: z
    .string()
    .regex(/^[\w-]{1,60}$/, 'is not the name of a region')
    .default(S3_REGION_DEFAULT)
    .describe('the region of the S3 store'),
  AWS_ACCESS_KEY_ID: headerKey.describe('the key ID for the S3 store'),
  AWS_SECRET_ACCESS_KEY: secret.optional().describe('the secret key for the S3 store'),
};

/** The form of the whole environment. What is not a setting is passed over. */
export const Settings = z.object({
  ...claude,
  ...server,
  ...workers,
  ...limits,
  ...retention,
  ...git,
  ...forges,
  ...signIn,
  ...backups,
});

/** The settings whose values nobody is shown. */
export const SECRET_SETTINGS: ReadonlySet<string> = new Set<keyof typeof Settings.shape>([
  'ANTHROPIC_API_KEY',
  'CLAUDE_API_KEY',
  'ERRAND_METRICS_TOKEN',
  'ERRAND_GIT_TOKEN',
  'ERRAND_GITHUB_CLIENT_SECRET',
  'ERRAND_GITHUB_PRIVATE_KEY',
  'ERRAND_GITHUB_WEBHOOK_SECRET',
  'ERRAND_GITEA_CLIENT_SECRET',
  'ERRAND_GITEA_BOT_TOKEN',
  'ERRAND_GITEA_WEBHOOK_SECRET',
  'ERRAND_OIDC_CLIENT_SECRET',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
]);

/** The names of all settings. */
export const SETTING_NAMES = Object.keys(Settings.shape);

/** The names of the settings by subject, in the order of the documentation. */
export const SETTING_GROUPS: Record<string, string[]> = {
  Claude: Object.keys(claude),
  'The server': Object.keys(server),
  Workers: Object.keys(workers),
  'Limits of an errand': Object.keys(limits),
  'What is kept': Object.keys(retention),
  Git: Object.keys(git),
  Forges: Object.keys(forges),
  'Sign-in': Object.keys(signIn),
  Backups: Object.keys(backups),
};
