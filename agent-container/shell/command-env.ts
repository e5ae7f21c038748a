import { join } from 'node:path';
import type { Assignment } from '../../protocol/worker-schemas.ts';
import { GLOBAL_NPMRC } from './global-prefix.ts';

type GitSetting = [name: string, value: string];

/** The repository may belong to another user. */
const GIT_SETTINGS: GitSetting[] = [
  ['safe.directory', '*'],
  ['advice.detachedHead', 'false'],
];
/** How many settings of git are taken from a project's variables. */
const OWN_SETTINGS_MAX = 100;

/** Keeps git from asking: no prompt, no editor, no pager. */
export const GIT_ENV: Readonly<Record<string, string>> = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_EDITOR: 'true',
  GIT_PAGER: 'cat',
  ...gitSettingsEnv(GIT_SETTINGS),
};

function gitSettingsEnv(settings: GitSetting[]): Record<string, string> {
  const variables = settings.flatMap(([name, value], i) => [
    [`GIT_CONFIG_KEY_${i}`, name],
    [`GIT_CONFIG_VALUE_${i}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(settings.length), ...Object.fromEntries(variables) };
}

/** The settings of git among a project's variables. */
function settingsIn(env: Record<string, string>): GitSetting[] {
  const count = Math.min(Number(env['GIT_CONFIG_COUNT'] ?? 0), OWN_SETTINGS_MAX);
  return Array.from({ length: count }, (_, i): GitSetting => {
    return [env[`GIT_CONFIG_KEY_${i}`] ?? '', env[`GIT_CONFIG_VALUE_${i}`] ?? ''];
  }).filter(([name]) => name !== '');
}

/** Keeps other programs from asking, paging, colouring and drawing progress bars: nobody is there to answer. */
const NON_INTERACTIVE_ENV = {
  CI: 'true',
  NO_COLOR: '1',
  TERM: 'dumb',
  PAGER: 'cat',
  MANPAGER: 'cat',
  LESS: '-R',
  EDITOR: 'true',
  DEBIAN_FRONTEND: 'noninteractive',
  PIP_PROGRESS_BAR: 'off',
  TQDM_DISABLE: '1',
  npm_config_progress: 'false',
  COREPACK_ENABLE_DOWNLOAD_PROMPT: '0',
};

/** Where package managers put programs that are installed for all projects, in the HOME of commands. */
const PROGRAM_DIRS = ['.local/bin', '.cargo/bin', 'go/bin', '.gem/bin', '.local/share/pnpm'];

/** The PATH of a worker without one. */
export const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin';
const LOOPBACK_HOSTS = '127.0.0.1,localhost,::1';

/** The author and committer of the worker's own commits. Git prefers these variables to any setting. */
export function commitIdentity({ name, email }: Assignment['author']): Record<string, string> {
  return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
}

type Options = {
  /** What commands get of the worker's own environment. */
  inherited: Record<string, string>;
  home: string;
  /** For temporary files. On disk: memory is for the commands themselves. */
  tmp: string;
  /** The loopback proxy. */
  proxy_url: string;
  /** How git reaches the repositories of the task at their own addresses. */
  git_settings: GitSetting[];
};

/**
 * The environment of the agent's commands. It is built from scratch, so that nothing of the worker's own environment
 * leaks into it. The project's variables override all others, but its options of a JVM and settings of git are added to
 * those here.
 */
export function commandEnv(
  assignment: Pick<Assignment, 'egress' | 'env'>,
  { inherited, home, tmp, proxy_url, git_settings }: Options,
): Record<string, string> {
  const given = { ...inherited, ...assignment.env };
  return {
    LANG: 'C.UTF-8',
    ...inherited,
    HOME: home,
    TMPDIR: tmp,
    ...prefixEnv(home, inherited['PATH'] ?? DEFAULT_PATH),
    ...NON_INTERACTIVE_ENV,
    ...GIT_ENV,
    ...(assignment.egress !== 'none' && proxyEnv(proxy_url)),
    ...assignment.env,
    ...gitSettingsEnv([...GIT_SETTINGS, ...git_settings, ...settingsIn(assignment.env)]),
    ...(assignment.egress !== 'none' && jvmEnv(new URL(proxy_url), given['JAVA_TOOL_OPTIONS'])),
  };
}

/**
 * Makes `npm install -g`, `pip install`, `gem install` and the like write to HOME: the system's own directories are
 * read-only. Cargo and Go do so by themselves. A user that is not root cannot break the system's Python packages, which
 * pip would protect.
 */
function prefixEnv(home: string, path: string): Record<string, string> {
  return {
    PATH: [...PROGRAM_DIRS.map((dir) => join(home, dir)), path].join(':'),
    npm_config_globalconfig: join(home, GLOBAL_NPMRC),
    PNPM_HOME: join(home, '.local/share/pnpm'),
    GEM_HOME: join(home, '.gem'),
    ...(process.getuid?.() !== 0 && { PIP_BREAK_SYSTEM_PACKAGES: '1' }),
  };
}

function proxyEnv(url: string): Record<string, string> {
  return {
    HTTPS_PROXY: url,
    https_proxy: url,
    NO_PROXY: LOOPBACK_HOSTS,
    no_proxy: LOOPBACK_HOSTS,
    NODE_USE_ENV_PROXY: '1',
  };
}

/**
 * A JVM reads none of the variables above. It reads this one whatever starts it: `java`, Maven, Gradle's wrapper and
 * daemon, sbt, forked tests. It says so in a line on stderr, as it does for JDK_JAVA_OPTIONS, which only `java` of
 * JDK 9 and newer reads. It leaves out loopback addresses by itself. As other programs, it is not told of a proxy for
 * plain HTTP, which is not forwarded. Maven reads the properties of the JVM by itself up to 3.8; the last two tell
 * newer ones to. `own`: the options of the project, or else of the image. They come last, so they win.
 */
function jvmEnv({ hostname, port }: URL, own: string | undefined): Record<string, string> {
  const options = [
    `-Dhttps.proxyHost=${hostname}`,
    `-Dhttps.proxyPort=${port}`,
    '-Daether.connector.http.useSystemProperties=true',
    '-Daether.transport.apache.useSystemProperties=true',
    ...(own === undefined ? [] : [own]),
  ];
  return { JAVA_TOOL_OPTIONS: options.join(' ') };
}
