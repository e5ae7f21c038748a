import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Session } from '../../protocol/accounts.ts';
import { isEnded, type TaskDetail } from '../../protocol/task.ts';
import { Api } from '../support/api.ts';
import type { Ended } from '../support/command-line.ts';
import { CoordinatorProcess } from '../support/coordinator-process.ts';
import { eventsOf, FORGE, MODEL } from '../support/errand.ts';
import { startGitServer, type GitServer } from '../support/git-server.ts';
import { startModel, type ModelServer } from '../support/model/server.ts';
import { Phone } from '../support/phone.ts';
import { removeWorkers } from '../support/remove-workers.ts';
import { until } from '../support/until.ts';
import type { Random } from '../support/random.ts';
import { counting, promptFor } from './story.ts';
import { Witness } from './witness.ts';

const ENTRY = fileURLToPath(new URL('./coordinator.ts', import.meta.url));
const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/errand', import.meta.url));
/** A supervisor starts a coordinator that died again after this time. */
export const AWAY_MS = 100;
const PASSWORD = 'correct horse battery';
/** Within this time every errand must have come to its end, whatever happened. */
const END_MS = 150_000;

/** Ports below those that the system gives out by itself, so that nobody takes them while a coordinator is down. */
let next_port = 20_000 + (process.pid % 1_000) * 10;

/** All of Errand with everything around it, in processes that can be killed: a coordinator that is started again when it dies, a forge, a model, clients. */
export class Scene {
  readonly data_dir: string;
  readonly forge: GitServer;
  readonly model: ModelServer;
  readonly runner: 'docker' | 'process';
  /** What the next coordinator is started with: settings, and Node's arguments. */
  readonly env: Record<string, string>;
  program: string[] = [ENTRY];
  /** The command that starts the next coordinator, for one that watches it. */
  under: string[] = [];
  /** How many turns each errand has; undefined: the seed decides. */
  turns: number[] | undefined;
  /** What each errand is asked for, besides its number of turns. */
  manner = '';
  /** How long the coordinator is away once it has died. */
  away_ms = AWAY_MS;
  /** Which engine the `docker` command is to speak to, as its arguments. */
  docker: string[] = [];
  /** Called on the way out, newest first. */
  readonly cleanups: (() => Promise<unknown> | void)[] = [];
  /** The same for what can only be done once all workers have gone: disks, an engine. */
  readonly afterwards: (() => Promise<unknown> | void)[] = [];
  readonly phones: Phone[] = [];
  readonly tasks: string[] = [];
  /** What the coordinators wrote, for whoever looks for the cause. */
  output = '';
  /** How often the coordinator was started. */
  starts = 0;
  coordinator: CoordinatorProcess | undefined;
  witness: Witness | undefined;
  #session: Session | undefined;
  #api: Api | undefined;
  #begun: Promise<void> = Promise.resolve();
  #closing = false;
  #supervised: Promise<void> = Promise.resolve();

  private constructor(data_dir: string, forge: GitServer, model: ModelServer, runner: 'docker' | 'process') {
    this.data_dir = data_dir;
    this.forge = forge;
    this.model = model;
    this.runner = runner;
    const port = next_port;
    next_port += 2;
    this.env = {
      PORT: String(port),
      ERRAND_CALLBACK_PORT: String(port + 1),
      ERRAND_RUNNER: runner,
      ERRAND_MODEL: MODEL,
      ERRAND_PRIVATE_HOSTS: forge.host,
      ANTHROPIC_API_KEY: model.api_key,
      ANTHROPIC_BASE_URL: model.base_url,
      // As `npm start` has it: what is killed over and over must start fast.
      NODE_COMPILE_CACHE: COMPILE_CACHE,
    };
  }

  /** Everything but the coordinator, which `begin` starts: what a fault must prepare comes in between. */
  static async create(runner: 'docker' | 'process'): Promise<Scene> {
    const data_dir = await mkdtemp(join(tmpdir(), 'errand-chaos-'));
    return new Scene(data_dir, await startGitServer(FORGE), await startModel(counting()), runner);
  }

  /** Starts the coordinator, an account and a project, then an errand for each of `turns`, and two clients that follow. */
  begin(turns: number[]): Promise<void> {
    return (this.#begun = this.#begin(turns));
  }

  async #begin(turns: number[]): Promise<void> {
    this.witness = new Witness(this.data_dir);
    this.#supervised = this.#supervise();
    const api = new Api(`http://127.0.0.1:${this.env['PORT']}`);
    this.#api = api;
    const account = { email: 'ann@example.org', password: PASSWORD };
    const session = await this.insist(() => api.call('signup', { body: account }));
    this.#session = session;
    api.token = session.access_token;
    const repo_url = await this.forge.createRepository('adder.git');
    const project = { name: 'adder', repo_url, git_token: FORGE.password, egress: 'none' as const };
    const { id: project_id } = await this.insist(() => api.call('createProject', { body: project }));
    for (const count of turns) {
      const headers = { 'idempotency-key': `errand-${this.tasks.length}-of-this-phone` };
      const body = { prompt: promptFor(count) + this.manner, project_id };
      const { id } = await this.insist(() => api.call('createTask', { body, headers }));
      this.tasks.push(id);
    }
    for (const id of [this.tasks[0], undefined]) this.follow(id);
  }

  get api(): Api {
    if (!this.#api) throw new Error('The scene has not begun.');
    return this.#api;
  }

  get session(): Session {
    if (!this.#session) throw new Error('The scene has not begun.');
    return this.#session;
  }

  /** A client that follows until the end. */
  follow(task_id?: string): Phone {
    const phone = new Phone(this.api.url, this.session.user.id, () => this.session.access_token, task_id);
    this.phones.push(phone);
    return phone;
  }

  /** Gets new tokens, as a phone does whose own have run out. */
  async logIn(): Promise<void> {
    const account = { email: 'ann@example.org', password: PASSWORD };
    this.#session = await this.insist(() => this.api.call('login', { body: account }));
    this.api.token = this.session.access_token;
  }

  /** Does as a phone without a network does: asks until it is answered. A refusal is an answer. */
  async insist<T>(call: () => Promise<T>, within_ms = 60_000): Promise<T> {
    const end = performance.now() + within_ms;
    for (;;)
      try {
        return await call();
      } catch (error) {
        const answered = error instanceof Error && / answered (?!50\d)/.test(error.message);
        if (answered || performance.now() > end) throw error;
        await delay(50);
      }
  }

  /** Waits for a moment in the middle of the errands, when there are so many events. False: they have ended. */
  async moment(random: Random, events = random.whole(3, 40)): Promise<boolean> {
    await this.#begun;
    const pause_ms = random.whole(0, 300);
    const phone = this.phones[1] ?? this.follow();
    await until('a moment in the middle', async () => phone.events.length >= events || (await this.allEnded()), END_MS);
    await delay(pause_ms);
    return !(await this.allEnded());
  }

  async allEnded(): Promise<boolean> {
    const tasks = await Promise.all(this.tasks.map((id) => this.task(id).catch(() => undefined)));
    return tasks.length > 0 && tasks.every((task) => task !== undefined && isEnded(task.status));
  }

  /** The task that a worker has. */
  async taskOf(worker: string): Promise<string> {
    for (const id of this.tasks)
      if ((await this.insist(() => this.task(id))).attempts.at(-1)?.worker === worker) return id;
    throw new Error(`No task has the worker ${worker}.`);
  }

  task(id: string): Promise<TaskDetail> {
    return this.api.call('getTask', { params: { id } });
  }

  log(id: string) {
    return eventsOf({ api: this.api, session: this.session, phone: () => this.follow() }, id);
  }

  /** Waits until each errand has ended, for whatever reason. */
  async ended(): Promise<TaskDetail[]> {
    await until('every errand has ended', () => this.allEnded(), END_MS);
    return Promise.all(this.tasks.map((id) => this.insist(() => this.task(id))));
  }

  /** Starts another coordinator on the same data; gives how it ended. Undefined: the first one had just died, and this one was ended again. */
  async another(): Promise<Ended | undefined> {
    const env = { ...this.env, PORT: '0', ERRAND_CALLBACK_PORT: '0' };
    const other = CoordinatorProcess.spawn(this.data_dir, env, this.program);
    const served = other.url().then(
      () => undefined,
      () => other.ended,
    );
    const ended = await Promise.race([other.ended, served]);
    if (!ended) await other.kill();
    return ended;
  }

  /** Kills the coordinator; whoever supervises it starts it again. */
  async kill(): Promise<void> {
    await this.coordinator?.kill();
  }

  /** Waits until the coordinator answers. */
  async up(): Promise<void> {
    await this.insist(async () => {
      const { status } = await fetch(`${this.api.url}/healthz`, { signal: AbortSignal.timeout(2_000) });
      if (status !== 200) throw new Error('It does not answer.');
    });
  }

  /** Ends the coordinator in order; gives its exit code. */
  async stop(): Promise<number | null> {
    this.#closing = true;
    const ended = await this.coordinator?.stop();
    await this.#supervised;
    return ended?.code ?? null;
  }

  /** Clears everything away. `keep`: the data folder stays, as evidence. */
  async close(keep: boolean): Promise<void> {
    this.#closing = true;
    for (const phone of this.phones) phone.close();
    for (const cleanup of this.cleanups.toReversed()) await cleanup();
    await this.coordinator?.kill();
    await this.#supervised;
    this.witness?.stop();
    await removeWorkers(this.data_dir, this.docker);
    await Promise.all([this.model.close(), this.forge.close()]);
    for (const step of this.afterwards.toReversed()) await step();
    if (!keep) await rm(this.data_dir, { recursive: true, force: true, maxRetries: 3 });
  }

  /** Starts the coordinator again whenever it has gone, as the system's own supervisor does. */
  async #supervise(): Promise<void> {
    while (!this.#closing) {
      this.starts++;
      const coordinator = CoordinatorProcess.spawn(this.data_dir, this.env, this.program, this.under);
      this.coordinator = coordinator;
      // A point to die at is for one life alone.
      this.program = this.program.slice(0, 1);
      this.under = [];
      const { code, stdout, stderr } = await coordinator.ended;
      this.output += `${stdout}${stderr}-- ended with ${code}\n`;
      if (!this.#closing) await delay(this.away_ms);
    }
  }
}
