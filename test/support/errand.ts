import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Pace } from '../../coordinator/tasks/assignment.ts';
import { readConfig, type Config } from '../../coordinator/base/config.ts';
import { readKeys } from '../../coordinator/base/keys.ts';
import { createLogger } from '../../coordinator/base/logger.ts';
import { start, type Errand, type StartOptions } from '../../coordinator/start/start.ts';
import type { Session } from '../../protocol/accounts.ts';
import { isEnded, type TaskDetail } from '../../protocol/task.ts';
import { Api } from './api.ts';
import { temporaryFolder } from './folder.ts';
import { startGitServer, type Credential, type GitServer } from './git-server.ts';
import { startModel, type ModelOptions, type ModelServer } from './model/server.ts';
import { Phone } from './phone.ts';
import { openTestDatabase } from './test-database.ts';
import { until } from './until.ts';

export const FORGE: Credential = { username: 'x-access-token', password: 'forge-secret-word' };
export const MODEL = 'claude-sonnet-5-5';
const PASSWORD = 'correct horse battery';

export type Person = {
  api: Api;
  session: Session;
  /** Connects a client that follows the log until the test ends. */
  phone: (task_id?: string) => Phone;
};

export type WholeErrand = {
  errand: Errand;
  data_dir: string;
  model: ModelServer;
  forge: GitServer;
  /** The lines of the server's log. */
  lines: string[];
  /** The existing workers, running or not yet removed. */
  workers: () => string[];
  /** Creates an account; the first one owns the server. */
  person: (name: string) => Promise<Person>;
  /** Creates a project for a repository on the forge, with its credential. */
  project: (person: Person, name: string, files: Record<string, string>, more?: object) => Promise<string>;
};

/** How workers are started. */
export type RunnerOptions = {
  /** A runner that ships with Errand, or a function that opens another one. */
  runner: 'docker' | 'process' | NonNullable<StartOptions['openRunner']>;
  /** The workers' heartbeat and lease. */
  pace?: Pace;
  /** Lists the existing workers. By default those with directories in the data folder. */
  workers?: () => string[];
};

type Options = RunnerOptions & {
  model?: ModelOptions;
  env?: Record<string, string>;
  /** By default a temporary folder. */
  data_dir?: string;
};

/**
 * Starts all of Errand: the coordinator, real workers, a git server with a password, and a scripted Claude API. It
 * stops with the test.
 */
export async function startErrand(t: ExecutionContext, options: Options): Promise<WholeErrand> {
  const { runner, model: script, pace } = options;
  const data_dir = options.data_dir ?? (await newDataFolder(t));
  const workers = options.workers ?? (() => workersIn(data_dir));
  const forge = await startGitServer(FORGE);
  const model = await startModel(script);
  const lines: string[] = [];
  const config = readTestConfig(options, { data_dir, forge, model });
  const logger = createLogger('debug', { write: (line) => void lines.push(line) });
  const errand = await start(config, {
    logger,
    ...(pace && { pace }),
    ...(typeof runner === 'function' && { openRunner: runner }),
  });
  const phones: Phone[] = [];
  t.teardown(async () => {
    for (const phone of phones) phone.close();
    await until('all workers are removed', () => workers().length === 0, 30_000).catch((error: unknown) =>
      t.fail(String(error)),
    );
    await errand.stop();
    await model.close();
    await forge.close();
    if (!t.passed)
      t.log(
        lines
          .filter((line) => !line.includes('"level":20'))
          .slice(-30)
          .join(''),
      );
  });
  const person = async (name: string): Promise<Person> => {
    const api = new Api(errand.url);
    const { setup_code } = errand;
    const body = { email: `${name}@example.org`, password: PASSWORD, setup_code };
    const session = await api.call('signup', { body });
    api.token = session.access_token;
    return {
      api,
      session,
      phone: (task_id) => {
        const phone = new Phone(errand.url, session.user.id, () => session.access_token, { task_id });
        phones.push(phone);
        return phone;
      },
    };
  };
  const project: WholeErrand['project'] = async ({ api }, name, files, more = {}) => {
    const repo_url = await forge.createRepository(`${name}.git`, files);
    const body = { name, repo_url, git_token: FORGE.password, egress: 'none' as const, ...more };
    return (await api.call('createProject', { body })).id;
  };
  return { errand, data_dir, model, forge, lines, workers, person, project };
}

/** A data folder with keys and an empty database, so that the start need not run the migrations. */
async function newDataFolder(t: ExecutionContext): Promise<string> {
  const data_dir = await temporaryFolder(t);
  readKeys(data_dir);
  openTestDatabase(join(data_dir, 'errand.db')).close();
  return data_dir;
}

function readTestConfig({ runner, env }: Options, parts: Pick<WholeErrand, 'data_dir' | 'forge' | 'model'>): Config {
  const { data_dir, forge, model } = parts;
  return readConfig({
    PATH: process.env['PATH'],
    NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
    DOCKER_HOST: process.env['DOCKER_HOST'],
    PORT: '0',
    ERRAND_CALLBACK_PORT: '0',
    ERRAND_DATA: data_dir,
    ...(typeof runner === 'string' && { ERRAND_RUNNER: runner }),
    ERRAND_WARM_WORKERS: '0',
    ERRAND_SIGNUP: 'open',
    ERRAND_MODEL: MODEL,
    ERRAND_PRIVATE_HOSTS: forge.host,
    ANTHROPIC_API_KEY: model.api_key,
    ANTHROPIC_BASE_URL: model.base_url,
    ...env,
  });
}

/** The workers of a data folder. A worker's folder is removed last, after its container or process. */
export function workersIn(data_dir: string): string[] {
  const dir = join(data_dir, 'workers');
  return existsSync(dir) ? readdirSync(dir) : [];
}

/** Resolves with the task when it has ended. */
export function ended({ api }: Pick<Person, 'api'>, id: string, within_ms = 60_000): Promise<TaskDetail> {
  return until(
    `task ${id} has ended`,
    async () => {
      const task = await api.call('getTask', { params: { id } });
      return isEnded(task.status) && task;
    },
    within_ms,
  );
}

/** All events of a task, read page by page. */
export async function eventsOf({ api }: Person, id: string) {
  const events = [];
  for (let after: number | null = 0; after !== null;) {
    const page: Awaited<ReturnType<typeof api.call<'listEvents'>>> = await api.call('listEvents', {
      params: { id },
      query: { after, limit: 200 },
    });
    events.push(...page.items);
    after = page.next_cursor;
  }
  return events;
}
