import { createHmac } from 'node:crypto';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { readConfig, type Config } from '../../../coordinator/base/config.ts';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { NO_PROXY } from '../../../coordinator/base/outgoing.ts';
import type { ProjectRow } from '../../../coordinator/domain/project.ts';
import { newPull, type PullRow } from '../../../coordinator/domain/pull.ts';
import type { TaskRow } from '../../../coordinator/domain/task.ts';
import type { ForgeAccess, OpenForge } from '../../../coordinator/forge/forge-access.ts';
import { ForgeHttp } from '../../../coordinator/forge/forge-http.ts';
import { gitHubClient } from '../../../coordinator/forge/github/github-client.ts';
import { Intake } from '../../../coordinator/forge/intake/intake.ts';
import { numberOf, sql } from '../../../coordinator/sqlite/database.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { newestEventId } from '../../../coordinator/sqlite/events.ts';
import { listWaitingMessages } from '../../../coordinator/sqlite/messages.ts';
import { openTestDatabase } from '../test-database.ts';
import { insertProject } from '../../../coordinator/sqlite/projects.ts';
import { insertPull } from '../../../coordinator/sqlite/pulls.ts';
import { findSubscriberCursor } from '../../../coordinator/sqlite/subscribers.ts';
import { newId } from '../../../protocol/ids.ts';
import { addUser, taskOf } from '../fixtures.ts';
import { temporaryFolder } from '../folder.ts';
import { SILENT } from '../silent.ts';
import { until } from '../until.ts';
import { doWork, type Where } from './do-work.ts';
import type { Hooks, SentHook } from './hooks.ts';
import { newProject } from './new-project.ts';
import { giteaClient } from '../../../coordinator/forge/gitea/gitea-client.ts';
import { Gitea } from './gitea/gitea.ts';
import { startGitea } from './gitea/stand-in.ts';
import type { GitHub } from './github/github.ts';
import { startGitHub } from './github/stand-in.ts';
import type { Person, Repository } from './world.ts';
import { repositoryAt } from './repository-at.ts';
import { CountingThreads } from '../counting-threads.ts';

const TIMES = { first_ms: 20, max_ms: 100, give_up_ms: 60_000 };
/** Nothing is looked for unless a test says so. */
export const SELDOM = 3_600_000;
const PUBLIC_URL = 'https://errand.example.org';

/** A server's intake at a fake forge, by default GitHub: ada has linked her account, bob has not; both may push. */
export class IntakeScene<Forge extends GitHub | Gitea = GitHub> {
  readonly github: Forge;
  readonly log: EventLog;
  readonly ada: Person;
  readonly bob: Person;
  readonly demo: Repository;
  readonly forge_id = newId();
  readonly user_id: string;
  /** The people of the server by the ids of their accounts at the forge. */
  readonly linked = new Map<string, string>();
  intake: Intake;
  readonly threads = new CountingThreads();
  /** The CPU time of reading deliveries. */
  readonly charged: number[] = [];
  /** In milliseconds; undefined: the clock runs. */
  stopped_at: number | undefined;
  /** How often the forge is asked what has changed, in milliseconds: from the next start on. */
  look_ms = SELDOM;
  /** How often it was asked. */
  looks = 0;
  /** What the forge answers the key of the app with, where it does not accept it. */
  key_fault: Error | undefined;
  readonly #http: ForgeHttp;
  readonly #config: Config = readConfig({});
  /** Gitea has no apps: the server has an account there, which administers the repository. */
  readonly bot: Person;
  /** What the intake has logged. */
  readonly lines: string[] = [];
  readonly #bot_token: string;
  #delivered = 0;

  static async start(t: ExecutionContext, settings: Partial<ProjectRow> = {}): Promise<IntakeScene> {
    return IntakeScene.#startAt(t, await startGitHub(t), settings);
  }

  static async startGitea(t: ExecutionContext, settings: Partial<ProjectRow> = {}): Promise<IntakeScene<Gitea>> {
    return IntakeScene.#startAt(t, await startGitea(t), settings);
  }

  static async #startAt<Forge extends GitHub | Gitea>(
    t: ExecutionContext,
    github: Forge,
    settings: Partial<ProjectRow>,
  ): Promise<IntakeScene<Forge>> {
    const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
    const [ada, bob] = [github.world.addPerson('ada'), github.world.addPerson('bob')];
    const demo = await github.world.addRepository({ owner: ada, name: 'demo', permissions: { bob: 'write' } });
    github.apps.install(github.apps.addApp(ada, { name: 'Errand' }), ada);
    const log = new EventLog({ db, logger: SILENT });
    const scene = new IntakeScene<Forge>({ github, log, ada, bob, demo });
    scene.addProject(scene.user_id, settings);
    scene.intake.start();
    t.teardown(async () => {
      await scene.intake.stop();
      await Promise.all([scene.#http.close(), scene.threads.close()]);
      db.close();
    });
    return scene;
  }

  private constructor(parts: Pick<IntakeScene<Forge>, 'github' | 'log' | 'ada' | 'bob' | 'demo'>) {
    this.github = parts.github;
    this.log = parts.log;
    this.ada = parts.ada;
    this.bob = parts.bob;
    this.demo = parts.demo;
    this.#http = new ForgeHttp([parts.github.host], NO_PROXY, this.threads);
    const row = [this.forge_id, this.#isGitea() ? 'gitea' : 'github', this.github.origin, new Date().toISOString()];
    this.log.write(({ db }) =>
      sql(db, `INSERT INTO forges (id, kind, origin, secrets, created_at) VALUES (?, ?, ?, '', ?)`).run(...row),
    );
    this.user_id = this.link(this.ada);
    this.bot = this.github.world.addPerson('errand-bot');
    this.demo.permissions.set(this.bot, 'admin');
    this.#bot_token = this.github.apps.personalToken(this.bot).value;
    this.intake = this.#open();
  }

  /** A new person of the server who has linked this account. */
  link(person: Person): string {
    const user_id = addUser(this.log);
    this.linked.set(String(person.id), user_id);
    return user_id;
  }

  addProject(user_id: string, fields: Partial<ProjectRow> = {}): ProjectRow {
    const repo_url = `${this.github.origin}/ada/demo.git`;
    const project = newProject({ user_id, repo_url, ...fields });
    this.log.write(({ db }) => insertProject(db, project));
    return project;
  }

  /** The server stops, and another process goes on with its database. */
  async restart(): Promise<void> {
    await this.intake.stop();
    this.intake = this.#open();
    this.intake.start();
  }

  /** Delivers what happened since the last time, and waits until all of it was acted upon. Gives what each became. */
  async deliver(): Promise<string[]> {
    const hooks = this.#hooks.sent.slice(this.#delivered);
    this.#delivered = this.#hooks.sent.length;
    const answers = [];
    for (const hook of hooks) answers.push(await this.receive(hook));
    await this.settled();
    return answers;
  }

  async receive({ headers, body }: Pick<SentHook, 'headers' | 'body'>): Promise<string> {
    return (
      await this.intake.receive(this.forge_id, { headers, body: Buffer.from(body) }, (ms) => this.charged.push(ms))
    ).delivery;
  }

  /** A delivery with this body, signed as GitHub does. */
  signed(hook: Pick<SentHook, 'headers'>, body: string, id: string): Pick<SentHook, 'headers' | 'body'> {
    const signature = `sha256=${createHmac('sha256', this.#secret).update(body).digest('hex')}`;
    const ids = { 'x-github-delivery': id, ...(this.#isGitea() && { 'x-gitea-delivery': id }) };
    return { headers: { ...hook.headers, ...ids, 'x-hub-signature-256': signature }, body };
  }

  /** Waits until nothing is left to do. */
  async settled(): Promise<void> {
    const { db } = this.log;
    const left = (table: string) => numberOf(db, `SELECT count(*) FROM ${table} WHERE next_at IS NOT NULL`);
    await until('all is handled', () => left('deliveries') === 0, 60_000);
    const newest = newestEventId(db);
    await until('all is told', () => (findSubscriberCursor(db, 'forge-words') ?? 0) >= newest || this.#isQuiet(newest));
    await until('all is written', () => left('forge_words') === 0);
  }

  /** Passing over events of other types is not stored. */
  #isQuiet(newest: number): boolean {
    const cursor = findSubscriberCursor(this.log.db, 'forge-words') ?? 0;
    const types = `'task.status', 'need.asked', 'need.answered', 'need.closed', 'pull.opened', 'pull.changed'`;
    const text = `SELECT count(*) FROM events WHERE id > ? AND id <= ? AND type IN (${types})`;
    return numberOf(this.log.db, text, cursor, newest) === 0;
  }

  get tasks(): TaskRow[] {
    const ids = sql<{ id: string }>(this.log.db, 'SELECT id FROM tasks ORDER BY rowid').all();
    return ids.map(({ id }) => taskOf(this.log, id));
  }

  /** The only task. */
  get task(): TaskRow {
    const [task, ...others] = this.tasks;
    if (!task || others.length > 0) throw new Error(`There are ${this.tasks.length} tasks.`);
    return task;
  }

  /** The messages that a task has not heard. */
  messages(task_id: string): string[] {
    return listWaitingMessages(this.log.db, task_id).map(({ text }) => text);
  }

  /** A worker takes a task up and ends it, as `doWork` says; all that comes of it is done. */
  async work(task_id: string, summary: string, commit: string | null = null, where?: Where): Promise<void> {
    doWork(this.log, task_id, { summary, commit, ...where });
    await this.settled();
  }

  /** A task of ada's with an open pull request. */
  async addPull({ id: task_id, branch: head }: TaskRow, author = this.ada, repository = this.demo) {
    const repo_url = `${this.github.origin}/ada/${repository.name}.git`;
    const commit = await this.github.push(repository, head, { 'a.txt': 'a\nb\nc\n', 'branch.txt': head });
    const draft = { title: 'Fix', body: '', head, base: 'main', draft: false };
    const pull = await this.github.openPull(repository, author, draft);
    const at = new Date().toISOString();
    const wish = { task_id, repo_url, title: 'Fix', head_branch: head, head_commit: commit };
    const row: PullRow = {
      ...newPull({ ...wish, base_branch: null, draft: false, author: 'person' }, at),
      repository_id: String(repository.id),
      owner: 'ada',
      name: repository.name,
      number: pull.number,
      state: 'open',
    };
    this.log.write(({ db }) => insertPull(db, row));
    return { pull, row, commit };
  }

  get #hooks(): Hooks {
    return this.github instanceof Gitea ? this.github.webhooks.hooks : this.github.hooks;
  }

  get #secret(): string {
    if (this.github instanceof Gitea) return this.github.webhooks.hook.secret;
    return this.github.apps.apps.find(({ name }) => name === 'Errand')?.webhook_secret ?? '';
  }

  #isGitea(): boolean {
    return this.github instanceof Gitea;
  }

  get #client(): OpenForge['client'] {
    const client = (this.#isGitea() ? giteaClient : gitHubClient)(this.#http, this.github.origin);
    const count = () => void (this.looks += 1);
    return { ...client, changedThreads: (...call) => (count(), client.changedThreads(...call)) };
  }

  get access(): ForgeAccess {
    const client = this.#client;
    return {
      forApp: async (repo_url) => this.#asApp(client, repo_url),
      forPerson: ({ user_id }, repo_url) => Promise.resolve(this.#asPerson(client, user_id, repo_url)),
    };
  }

  #open(): Intake {
    const client = this.#client;
    const app = this.github.apps.apps.find(({ name }) => name === 'Errand');
    if (!app) throw new Error('There is no app.');
    return new Intake({
      log: this.log,
      config: this.#config,
      access: this.access,
      personAt: (origin, subject) => (origin === this.github.origin ? this.linked.get(subject) : undefined),
      findForge: (id) =>
        id === this.forge_id ? { id, client, webhook_secret: this.#secret, names: ['errand', app.slug] } : undefined,
      public_url: PUBLIC_URL,
      threads: this.threads,
      times: TIMES,
      look_times: { every_ms: this.look_ms, retry: { first_ms: 20, max_ms: 100 } },
      now: () => this.stopped_at ?? Date.now(),
      logger: createLogger('info', { write: (line) => void this.lines.push(line) }),
    });
  }

  #asPerson(client: OpenForge['client'], user_id: string, repo_url: string): OpenForge | undefined {
    const repository = repositoryAt(this.github.origin, repo_url);
    const person = this.github.world.people.find(({ id }) => this.linked.get(String(id)) === user_id);
    if (!person || !repository) return undefined;
    const token = this.github.apps.personalToken(person).value;
    return { client, repository, token, as: 'person' };
  }

  #asApp(client: OpenForge['client'], repo_url: string): OpenForge | undefined {
    if (this.key_fault) throw this.key_fault;
    const repository = repositoryAt(this.github.origin, repo_url);
    if (!repository) return undefined;
    if (this.#isGitea()) return { client, repository, token: this.#bot_token, as: 'app' };
    const [installation] = this.github.apps.installations;
    const token = installation && this.github.apps.installationToken(installation).value;
    return token === undefined ? undefined : { client, repository, token, as: 'app' };
  }
}
