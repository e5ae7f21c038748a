import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Session } from '../../protocol/accounts.ts';
import { isEnded, type TaskDetail } from '../../protocol/task.ts';
import { Api } from '../support/api.ts';
import type { Ended } from '../support/command-line.ts';
import { bundled } from '../support/bundled.ts';
import { CoordinatorProcess } from '../support/coordinator-process.ts';
import { eventsOf, FORGE, MODEL } from '../support/errand.ts';
import { startGitServer, type GitServer } from '../support/git-server.ts';
import { startModel, type ModelServer } from '../support/model/server.ts';
import { Phone } from '../support/phone.ts';
import { removeWorkers } from '../support/remove-workers.ts';
import { until } from '../support/until.ts';
import type { Random } from '../support/random.ts';
import { counting, promptFor, type Misdeed } from './story.ts';
import { Witness } from './witness.ts';
import { setupCodeOf } from '../support/setup-code.ts';

const ENTRY = bundled('coordinator', 'test/chaos/coordinator.ts');
const COMPILE_CACHE = fileURLToPath(new URL('../../node_modules/.cache/errand', import.meta.url));
/** The supervisor restarts a dead coordinator after this time. */
export const AWAY_MS = 100;
const PASSWORD = 'correct horse battery';
/** Every errand must have ended within this time. */
const END_MS = 150_000;

/**
 * Below the ephemeral ports, so that nobody takes the port while a coordinator is down; far from those of another
 * run.
 */
let next_port = 20_000 + (process.pid % 50) * 200;

/** All of Errand in processes that can be killed: a supervised coordinator, a forge, a model and clients. */
export class Scene {
  readonly data_dir: string;
  readonly forge: GitServer;
  readonly model: ModelServer;
  readonly runner: 'docker' | 'process';
  /** The settings and arguments of the next coordinator. */
  readonly env: Record<string, string>;
  program: string[] = [ENTRY];
  /** A command that starts the next coordinator, such as strace. */
  under: string[] = [];
  /** The number of turns of each errand; undefined: the seed decides. */
  turns: number[] | undefined;
  /** Is added to each errand's prompt. */
  manner = '';
  /** What the model has done of that. */
  readonly done: ReadonlySet<Misdeed>;
  /** How long the coordinator stays down after it died. */
  away_ms = AWAY_MS;
  /** Arguments of the `docker` command that select the engine. */
  docker: string[] = [];
  /** Run at the end, newest first. */
  readonly cleanups: (() => Promise<unknown> | void)[] = [];
  /** Run after all workers are removed, newest first: for disks and the engine. */
  readonly afterwards: (() => Promise<unknown> | void)[] = [];
  readonly phones: Phone[] = [];
  readonly tasks: string[] = [];
  /** The output of all coordinators. */
  output = '';
  /** The number of coordinator starts. */
  starts = 0;
  coordinator: CoordinatorProcess | undefined;
  witness: Witness | undefined;
  #session: Session | undefined;
  #api: Api | undefined;
  #begun: Promise<void> = Promise.resolve();
  #closing = false;
  #supervised: Promise<void> = Promise.resolve();

  private constructor(
    data_dir: string,
    { forge, model, done }: Pick<Scene, 'forge' | 'model' | 'done'>,
    runner: 'docker' | 'process',
  ) {
    this.data_dir = data_dir;
    this.done = done;
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
      // As in `npm start`: a coordinator that is killed often must start fast.
      NODE_COMPILE_CACHE: COMPILE_CACHE,
    };
  }

  /** Creates everything except the coordinator. Faults prepare the scene before `begin` starts it. */
  static async create(runner: 'docker' | 'process'): Promise<Scene> {
    const data_dir = await mkdtemp(join(tmpdir(), 'errand-chaos-'));
    const done = new Set<Misdeed>();
    const model = await startModel(counting((misdeed) => done.add(misdeed)));
    return new Scene(data_dir, { forge: await startGitServer(FORGE), model, done }, runner);
  }

  /**
   * Starts the coordinator; creates an account, a project, an errand for each of `turns`, and two clients that follow.
   */
  begin(turns: number[]): Promise<void> {
    return (this.#begun = this.#begin(turns));
  }

  async #begin(turns: number[]): Promise<void> {
    this.witness = new Witness(this.data_dir);
    this.#supervised = this.#supervise();
    const api = new Api(`http://127.0.0.1:${this.env['PORT']}`);
    this.#api = api;
    const account = { email: 'ann@example.org', password: PASSWORD };
    const session = await this.insist(async () => {
      const setup_code = setupCodeOf(this.data_dir);
      return api.call('signup', { body: { ...account, setup_code } });
    });
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

  /** Starts a client that follows the log until the end. */
  follow(task_id?: string): Phone {
    const renew = () => this.logIn();
    const phone = new Phone(this.api.url, this.session.user.id, () => this.session.access_token, { task_id, renew });
    this.phones.push(phone);
    return phone;
  }

  /** Logs in again, for when the tokens have expired. */
  async logIn(): Promise<void> {
    const account = { email: 'ann@example.org', password: PASSWORD };
    this.#session = await this.insist(() => this.api.call('login', { body: account }));
    this.api.token = this.session.access_token;
  }

  /** Retries like a phone without a network until it gets a response. An error response other than 50x is final. */
  async insist<T>(call: () => Promise<T>, within_ms = 60_000): Promise<T> {
    const end = performance.now() + within_ms;
    for (;;)
      try {
        return await call();
      } catch (error) {
        const refused = error instanceof Error && / returned (?!50\d)/.test(error.message);
        if (refused || performance.now() > end) throw error;
        await delay(50);
      }
  }

  /** Waits until the errands have this many events, and a random pause. False: the errands have ended. */
  async moment(random: Random, events = random.whole(3, 40)): Promise<boolean> {
    await this.#begun;
    const pause_ms = random.whole(0, 300);
    const phone = this.phones[1] ?? this.follow();
    await this.happens(`there are ${events} events`, () => phone.events.length >= events);
    await delay(pause_ms);
    return !(await this.allEnded());
  }

  /** Waits until this holds. False: the errands have ended without. */
  async happens(what: string, holds: () => boolean): Promise<boolean> {
    await this.#begun;
    await until(what, async () => holds() || (await this.allEnded()), END_MS);
    return holds();
  }

  async allEnded(): Promise<boolean> {
    const tasks = await Promise.all(this.tasks.map((id) => this.task(id).catch(() => undefined)));
    return tasks.length > 0 && tasks.every((task) => task !== undefined && isEnded(task.status));
  }

  /** The task of a worker. */
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

  /** Waits until all errands have ended. Rejects once no event of them has come for a while. */
  async ended(): Promise<TaskDetail[]> {
    const heard = () => this.phones.reduce((sum, { events }) => sum + events.length, 0);
    for (let before = heard(); ; before = heard())
      try {
        await until('all errands have ended', () => this.allEnded(), END_MS);
        break;
      } catch (error) {
        if (heard() === before) throw error;
      }
    return Promise.all(this.tasks.map((id) => this.insist(() => this.task(id))));
  }

  /**
   * Starts another coordinator on the same data folder; resolves when it has ended. Undefined: the first one was down.
   */
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

  /** Kills the coordinator. The supervisor restarts it. */
  async kill(): Promise<void> {
    await this.coordinator?.kill();
  }

  /** Waits until the coordinator answers. */
  async up(): Promise<void> {
    await this.insist(async () => {
      const { status } = await fetch(`${this.api.url}/healthz`, { signal: AbortSignal.timeout(2_000) });
      if (status !== 200) throw new Error(`/healthz returned ${status}.`);
    });
  }

  /** Stops the coordinator with SIGTERM; returns its exit code. */
  async stop(): Promise<number | null> {
    this.#closing = true;
    const ended = await this.coordinator?.stop();
    await this.#supervised;
    return ended?.code ?? null;
  }

  /** Stops and removes everything. `keep`: the data folder stays for inspection. */
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

  /** Restarts the coordinator whenever it has ended, like systemd. */
  async #supervise(): Promise<void> {
    while (!this.#closing) {
      this.starts++;
      const coordinator = CoordinatorProcess.spawn(this.data_dir, this.env, this.program, this.under);
      this.coordinator = coordinator;
      // A failpoint applies to one process only.
      this.program = this.program.slice(0, 1);
      this.under = [];
      const { code, stdout, stderr } = await coordinator.ended;
      this.output += `${stdout}${stderr}-- ended with ${code}\n`;
      if (!this.#closing) await delay(this.away_ms);
    }
  }
}
