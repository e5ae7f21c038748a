import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Session } from '../../protocol/accounts.ts';
import type { LogEvent } from '../../protocol/events.ts';
import { Api } from '../support/api.ts';
import { CoordinatorProcess } from '../support/coordinator-process.ts';
import { FORGE, MODEL } from '../support/errand.ts';
import { startGitServer, type GitServer } from '../support/git-server.ts';
import { startModel, type ModelServer } from '../support/model/server.ts';
import { setupCodeOf } from '../support/setup-code.ts';
import { removeWorkers } from '../support/remove-workers.ts';
import { taskTokensOf } from '../support/task-tokens.ts';
import { until } from '../support/until.ts';
import { ATTACK_PROMPT, HostileModel } from './hostile-model.ts';

const PASSWORD = 'correct horse battery';
const METRICS_TOKEN = 'metrics-token-of-the-owner';
const FILES = { 'README.md': 'A small repository.\n' };

/** A person with an account, a project and an errand whose agent runs what it is told. */
export type Party = { api: Api; session: Session; project_id: string; task_id: string; worker: string };

/** A public address by which people would reach the server. No interface has it. */
export const OWN_ADDRESS = '93.184.215.14';

/** A name of this machine. Something listens there for TLS, which one project may reach. */
export const TLS_HOST = hostname().toLowerCase();
const TLS_PORT = 443;

/** Errand as `npm start` runs it, with real containers: an attacker, and somebody whose things the attacker wants. */
export class AttackScene {
  readonly data_dir: string;
  readonly coordinator: CoordinatorProcess;
  readonly url: string;
  readonly forge: GitServer;
  readonly model: ModelServer;
  readonly #hostile: HostileModel;
  #tls: Server | undefined;
  #victim: Party | undefined;
  #attacker: Party | undefined;

  private constructor(
    parts: Pick<AttackScene, 'data_dir' | 'coordinator' | 'url' | 'forge' | 'model'>,
    hostile: HostileModel,
  ) {
    this.data_dir = parts.data_dir;
    this.coordinator = parts.coordinator;
    this.url = parts.url;
    this.forge = parts.forge;
    this.model = parts.model;
    this.#hostile = hostile;
  }

  /** Starts the server and both errands. The victim owns the server. */
  static async start(): Promise<AttackScene> {
    const data_dir = await mkdtemp(join(tmpdir(), 'errand-attack-'));
    const hostile = new HostileModel();
    const [forge, model] = await Promise.all([startGitServer(FORGE), startModel(hostile.options)]);
    const coordinator = CoordinatorProcess.spawn(data_dir, {
      ERRAND_RUNNER: 'docker',
      ERRAND_MODEL: MODEL,
      ERRAND_PRIVATE_HOSTS: `${forge.host},${TLS_HOST}`,
      ERRAND_METRICS_TOKEN: METRICS_TOKEN,
      ERRAND_SIGNUP: 'open',
      ERRAND_HOSTS: OWN_ADDRESS,
      ANTHROPIC_API_KEY: model.api_key,
      ANTHROPIC_BASE_URL: model.base_url,
    });
    const url = await coordinator.url();
    const scene = new AttackScene({ data_dir, coordinator, url, forge, model }, hostile);
    scene.#victim = await scene.#join('victim');
    scene.#attacker = await scene.#join('attacker');
    return scene;
  }

  get victim(): Party {
    return present(this.#victim);
  }

  get attacker(): Party {
    return present(this.#attacker);
  }

  /** Runs a command as the attacker's agent. Returns what it printed. */
  command(command: string): Promise<string> {
    return this.#hostile.run(command);
  }

  /** Runs a command in a project whose commands may reach `TLS_HOST` alone. Returns what it printed. */
  async commandWithList(command: string): Promise<string> {
    this.#tls ??= await listenForTls();
    const { api, project_id } = this.attacker;
    const params = { id: project_id };
    await api.call('patchProject', { params, body: { egress: 'list', egress_hosts: [TLS_HOST] } });
    try {
      return await this.command(command);
    } finally {
      await api.call('patchProject', { params, body: { egress: 'open' } });
    }
  }

  /** A task token of an errand, as its worker has it. */
  token({ task_id }: Party): Promise<string> {
    return taskTokensOf(this.data_dir).issue(task_id, 1);
  }

  /** The path of a worker's unix socket to the coordinator, on the host. */
  socketOf({ worker }: Party): string {
    return join(this.data_dir, 'workers', worker, 'coordinator', 'coordinator.sock');
  }

  /** The cursor after the newest event of the attacker's errand. */
  async cursor(): Promise<number> {
    let cursor = 0;
    for (let page = await this.newestEvents(0); page.length > 0; page = await this.newestEvents(cursor))
      cursor = page.at(-1)?.id ?? cursor;
    return cursor;
  }

  /** The next events of the attacker's errand, as its person reads them. */
  async newestEvents(after: number): Promise<LogEvent[]> {
    const { api, task_id } = this.attacker;
    return (await api.call('listEvents', { params: { id: task_id }, query: { after, limit: 200 } })).items;
  }

  /** The server's metrics: the sum of each counter over its labels. */
  async metrics(): Promise<Map<string, number>> {
    const response = await fetch(`${this.url}/metrics`, { headers: { authorization: `Bearer ${METRICS_TOKEN}` } });
    const sums = new Map<string, number>();
    for (const [, name = '', value] of (await response.text()).matchAll(/^(\w+)(?:\{.*\})? (\S+)$/gm))
      sums.set(name, (sums.get(name) ?? 0) + Number(value));
    return sums;
  }

  async close(): Promise<void> {
    this.#hostile.end();
    await this.coordinator.stop();
    await removeWorkers(this.data_dir);
    await Promise.all([this.model.close(), this.forge.close()]);
    this.#tls?.close();
    await rm(this.data_dir, { recursive: true, force: true, maxRetries: 3 });
  }

  async #join(name: string): Promise<Party> {
    const api = new Api(this.url);
    const first = name === 'victim' ? { setup_code: setupCodeOf(this.data_dir) } : {};
    const session = await api.call('signup', { body: { email: `${name}@example.org`, password: PASSWORD, ...first } });
    api.token = session.access_token;
    const repo_url = await this.forge.createRepository(`${name}.git`, FILES);
    const project = { name, repo_url, git_token: FORGE.password, egress: 'open' as const };
    const { id: project_id } = await api.call('createProject', { body: project });
    const prompt = name === 'attacker' ? ATTACK_PROMPT : 'Think about it.';
    const { id: task_id } = await api.call('createTask', { body: { prompt, project_id, budget_usd: 1 } });
    const task = await until(`the errand of the ${name} runs`, async () => {
      const { attempts } = await api.call('getTask', { params: { id: task_id } });
      return attempts.at(-1)?.worker;
    });
    return { api, session, project_id, task_id, worker: task };
  }
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The scene has not begun.');
  return value;
}

/** Accepts connections where `TLS_HOST` leads. What is sent there has passed the proxy. Takes root. */
async function listenForTls(): Promise<Server> {
  const server = createServer((socket) => void socket.on('error', () => undefined).end('reached'));
  try {
    await once(server.listen(TLS_PORT, TLS_HOST), 'listening');
  } catch (error) {
    // Whatever has the port accepts connections, too.
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
  }
  return server;
}
