import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import Database from 'better-sqlite3';
import { newId } from '../../../../protocol/ids.ts';
import { Api } from '../../../support/api.ts';
import { CoordinatorProcess } from '../../../support/coordinator-process.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import type { App } from '../../../support/forge/apps.ts';
import type { GitHub } from '../../../support/forge/github/github.ts';
import { startGitHub } from '../../../support/forge/github/stand-in.ts';
import type { SentHook } from '../../../support/forge/hooks.ts';
import type { Person, Repository } from '../../../support/forge/world.ts';
import { Random } from '../../../support/random.ts';
import { setupCodeOf } from '../../../support/setup-code.ts';
import { until } from '../../../support/until.ts';

const MAIN = fileURLToPath(new URL('../../../support/forge/idle-coordinator.ts', import.meta.url));
const PASSWORD = 'correct horse battery';
const [DELIVERIES, FORGED, UNIQUE] = [1_000, 100, 450];

type Sent = Pick<SentHook, 'headers' | 'body'>;

/** A server in a process of its own that can be killed, at a GitHub whose webhooks the test sends itself, each once. */
class Storm {
  readonly github: GitHub;
  readonly app: App;
  readonly demo: Repository;
  readonly people: Record<'ada' | 'bea' | 'carl' | 'dora', Person>;
  readonly user_ids: string[] = [];
  readonly #data_dir: string;
  #coordinator: CoordinatorProcess | undefined;
  #url = '';
  forge_id = '';
  starts = 0;

  static async open(t: ExecutionContext): Promise<Storm> {
    const github = await startGitHub(t);
    const { world } = github;
    const [ada, bea, carl, dora] = ['ada', 'bea', 'carl', 'dora'].map((login) => world.addPerson(login));
    if (!ada || !bea || !carl || !dora) throw new Error('Nobody is there.');
    // bea may write, carl may only read, and dora may write but has not linked her account.
    const demo = await world.addRepository({ owner: ada, name: 'demo', permissions: { bea: 'write', dora: 'write' } });
    const app = github.apps.addApp(ada, { name: 'Errand' });
    github.apps.install(app, ada);
    const storm = new Storm({ github, app, demo, people: { ada, bea, carl, dora } }, await temporaryFolder(t));
    t.teardown(() => storm.kill());
    await storm.start();
    for (const person of [ada, bea, carl]) await storm.#signUp(person);
    await storm.kill();
    // From now on it looks for missed events of the repository.
    await storm.start();
    await until('it has begun to hear', () => storm.read('SELECT 1 FROM heard_repositories').length === 1);
    await storm.kill();
    return storm;
  }

  private constructor(parts: Pick<Storm, 'github' | 'app' | 'demo' | 'people'>, data_dir: string) {
    this.github = parts.github;
    this.app = parts.app;
    this.demo = parts.demo;
    this.people = parts.people;
    this.#data_dir = data_dir;
  }

  /** `failpoint`: where it kills itself. */
  async start(failpoint = ''): Promise<void> {
    const { github, app } = this;
    const env = {
      ERRAND_SIGNUP: 'open',
      ERRAND_PRIVATE_HOSTS: '127.0.0.1',
      ERRAND_GITHUB_ORIGIN: github.origin,
      ERRAND_GITHUB_CLIENT_ID: app.client_id,
      ERRAND_GITHUB_CLIENT_SECRET: app.client_secret,
      ERRAND_GITHUB_APP_ID: String(app.id),
      ERRAND_GITHUB_APP_SLUG: app.slug,
      ERRAND_GITHUB_PRIVATE_KEY: app.pem,
      ERRAND_GITHUB_WEBHOOK_SECRET: app.webhook_secret,
    };
    this.#coordinator = CoordinatorProcess.spawn(this.#data_dir, env, [MAIN, failpoint]);
    const { ended } = this.#coordinator;
    // With deliveries that wait it may kill itself before it is ready.
    const ready = this.#coordinator.url().catch(() => '');
    this.#url = await Promise.race([ready, ended.then(() => 'http://127.0.0.1:9')]);
    this.starts += 1;
  }

  async kill(): Promise<void> {
    await this.#coordinator?.kill();
  }

  /** Whether the process has ended by itself. */
  get ended(): Promise<unknown> {
    return this.#coordinator?.ended ?? Promise.resolve();
  }

  /** Sends a webhook. Undefined: nobody has answered, and it is lost. */
  async send({ headers, body }: Sent): Promise<number | undefined> {
    try {
      const response = await fetch(`${this.#url}/forges/${this.forge_id}/webhook`, { method: 'POST', headers, body });
      await response.arrayBuffer();
      return response.status;
    } catch {
      return undefined;
    }
  }

  /** Reads the database beside the server. */
  read<T>(text: string): T[] {
    const db = new Database(join(this.#data_dir, 'errand.db'), { readonly: true, fileMustExist: true });
    try {
      return db.prepare<[], T>(text).all();
    } finally {
      db.close();
    }
  }

  /** Makes an account with a project that reacts to mentions, and links the person's account at the forge. */
  async #signUp(person: Person): Promise<void> {
    const api = new Api(this.#url);
    const email = `${person.login}@example.org`;
    const setup_code = setupCodeOf(this.#data_dir);
    api.token = (await api.call('signup', { body: { email, password: PASSWORD, setup_code } })).access_token;
    const repo_url = `${this.github.origin}/ada/demo`;
    await api.call('createProject', { body: { name: 'demo', repo_url, mentions: true, check: false } });
    const { id } = await api.call('me', {});
    this.user_ids.push(id);
    const db = new Database(join(this.#data_dir, 'errand.db'));
    this.forge_id =
      db.prepare<[string], { id: string }>('SELECT id FROM forges WHERE origin = ?').get(this.github.origin)?.id ?? '';
    db.prepare(
      'INSERT INTO linked_accounts (id, user_id, forge_id, issuer, subject, login, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    ).run(newId(), id, this.forge_id, this.github.origin, String(person.id), person.login, new Date().toISOString());
    db.close();
  }
}

/** What people did, and who should have which errand of it. */
function happen({ github, demo, people: { ada, bea, carl, dora }, user_ids }: Storm, random: Random) {
  const [ada_id = '', bea_id = ''] = user_ids;
  const right = new Map<string, string>();
  for (let n = 0; n < UNIQUE; n++) {
    const [title, text] = [`Issue ${n}`, `@errand mend ${n}`];
    switch (random.whole(0, 5)) {
      case 0:
        github.openIssue(demo, ada, { title, body: text, labels: n % 2 === 0 ? ['errand'] : [] });
        right.set(`mend ${n}`, ada_id);
        break;
      case 1:
        github.openIssue(demo, bea, { title, body: text });
        right.set(`mend ${n}`, bea_id);
        break;
      case 2:
        github.openIssue(demo, ada, { title, labels: ['errand'] });
        right.set(title, ada_id);
        break;
      case 3:
        github.openIssue(demo, random.pick([carl, dora]), { title, body: text });
        break;
      case 4:
        github.openIssue(demo, dora, { title, body: text, labels: ['errand'] });
        break;
      default:
        github.openIssue(demo, ada, { title, body: `Nothing, \`@errand\`, for you.` });
    }
  }
  return right;
}

/** Each delivery at least once, half as many replays, some under another id, and forged ones, mixed. */
function mix(hooks: readonly SentHook[], random: Random): Sent[] {
  const sent: Sent[] = [...hooks];
  while (sent.length < DELIVERIES - FORGED) {
    const hook = random.pick(hooks);
    const other_id = { ...hook.headers, 'x-github-delivery': `again-${sent.length}` };
    sent.push(random.next() < 0.5 ? hook : { ...hook, headers: other_id });
  }
  while (sent.length < DELIVERIES) {
    const { headers, body } = random.pick(hooks);
    const forged = body.replaceAll(/@errand mend/g, '@errand wreck').replace('"login":"dora"', '"login":"ada"') + ' ';
    const none = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('x-hub')));
    sent.push({
      headers: random.next() < 0.3 ? none : { ...headers, 'x-github-delivery': `forged-${sent.length}` },
      body: forged,
    });
  }
  return sent
    .map((each) => ({ each, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ each }) => each);
}

test('a storm of mentions starts exactly the right errands, though the server is killed again and again', async (t) => {
  t.timeout(600_000);
  const storm = await Storm.open(t);
  const random = new Random(11);
  const before = storm.github.hooks.sent.length;
  const right = happen(storm, random);
  // More than one for an issue that is opened with the label.
  const hooks = storm.github.hooks.sent.slice(before);
  const waiting = mix(hooks, random);
  t.is(waiting.length, DELIVERIES);
  const answers = new Map<number, number>();
  const sendAll = (answered_max = Infinity) => send(storm, waiting, answers, answered_max);
  await storm.start('after:task.created:20');
  await sendAll(200);
  await storm.ended;
  await storm.start('before:task.created:25');
  await sendAll(200);
  await storm.ended;
  await storm.start();
  const killed = killAfterComments(storm, 15);
  await sendAll(250);
  await killed;

  await storm.start();
  await sendAll(200);
  await storm.kill();
  await storm.start();
  await sendAll(150);
  await storm.kill();
  const lost = waiting.splice(0).length;
  t.true(lost > 0);
  await storm.start();
  t.log(Object.fromEntries(answers), `${storm.starts} starts, ${lost} sent to nobody, ${right.size} errands`);
  t.deepEqual(new Set(answers.keys()), new Set([202, 403]));
  t.true((answers.get(403) ?? 0) <= FORGED);
  const left = (table: string) => storm.read(`SELECT 1 FROM ${table} WHERE next_at IS NOT NULL LIMIT 1`).length;
  const errands = () => storm.read<{ n: number }>('SELECT count(*) AS n FROM tasks')[0]?.n ?? 0;
  await until('all is found', () => errands() >= right.size, 200_000);
  await until('all is handled', () => left('deliveries') === 0, 200_000);
  await until('all is answered', () => left('forge_words') === 0, 200_000);
  const tasks = storm.read<{ title: string; user_id: string }>('SELECT title, user_id FROM tasks');
  t.is(tasks.length, right.size, 'none twice, none lost');
  t.deepEqual(
    tasks.map(({ title, user_id }) => `${title} ${user_id}`).sort(),
    [...right].map(([title, user_id]) => `${title} ${user_id}`).sort(),
  );
  const words = storm.demo.issues.map(
    ({ comments }) => comments.filter(({ body }) => body.startsWith('<!-- errand:')).length,
  );
  t.deepEqual(
    words.filter((count) => count > 1),
    [],
    'no comment twice',
  );
  t.is(words.filter((count) => count === 1).length, right.size);
});

/** Sends what was not sent yet, until this many were answered or nobody answers. Counts the answers by status. */
async function send(storm: Storm, waiting: Sent[], answers: Map<number, number>, answered_max: number): Promise<void> {
  let [answered, dead] = [0, false];
  const one = async () => {
    while (!dead && answered < answered_max) {
      const next = waiting.shift();
      if (!next) return;
      const status = await storm.send(next);
      if (status === undefined) dead = true;
      else {
        answered += 1;
        answers.set(status, (answers.get(status) ?? 0) + 1);
      }
    }
  };
  await Promise.all(Array.from({ length: 8 }, one));
}

/** Kills the server at the moment that the forge has taken its nth comment from now, and answers. */
async function killAfterComments(storm: Storm, nth: number): Promise<void> {
  let left = nth;
  await new Promise<void>((resolve) => {
    storm.github.intercept = (request, response) => {
      if (request.method === 'POST' && request.url?.endsWith('/comments') && --left === 0)
        response.once('finish', () => resolve(storm.kill()));
      return false;
    };
  });
  storm.github.intercept = undefined;
}
