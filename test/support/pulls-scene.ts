import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { createLogger } from '../../coordinator/base/logger.ts';
import { pullView, type PullRow } from '../../coordinator/domain/pull.ts';
import type { TaskRow } from '../../coordinator/domain/task.ts';
import type { ForgeAccess, OpenForge } from '../../coordinator/forge/forge-access.ts';
import { ForgeApiError } from '../../coordinator/forge/forge-api-error.ts';
import { Pulls } from '../../coordinator/forge/pulls/pulls.ts';
import type { PullTimes } from '../../coordinator/forge/pulls/pull-schedule.ts';
import { EventLog } from '../../coordinator/sqlite/event-log.ts';
import { openTestDatabase } from './test-database.ts';
import { insertProject } from '../../coordinator/sqlite/projects.ts';
import { listPullsOf } from '../../coordinator/sqlite/pulls.ts';
import { addMessage } from '../../coordinator/tasks/task-commands.ts';
import type { ForgeKind } from '../../protocol/forges.ts';
import { newId } from '../../protocol/ids.ts';
import type { PullAuthor, PullRequest, PullRequests } from '../../protocol/pulls.ts';
import { addTask, addUser, taskOf } from './fixtures.ts';
import { memoryFolder } from './folder.ts';
import { forgeScene, type ForgeScene } from './forge/scene.ts';
import type { Token } from './forge/apps.ts';
import type { Issue, Person, Repository } from './forge/world.ts';
import { git } from './git-server.ts';
import { StagedErrand } from './staged-errand.ts';
import { until } from './until.ts';

/** Looks come soon, so that tests need not wait. */
const TIMES: PullTimes = {
  look_ms_min: 100,
  look_ms_max: 100,
  retry_ms_min: 50,
  retry_ms_max: 100,
  conflicts_ms: 10,
  give_up_ms: 60_000,
};

/** What the project wishes, and the forge it is at: GitHub if nothing is said. */
export type Wishes = { pull_requests?: PullRequests; pull_author?: PullAuthor; kind?: ForgeKind };

/** In whose name the server itself writes, and its token; undefined: it may not write to the repository. */
type Bot = { person: Person; install: () => void; token: () => Token | undefined };

/** A further repository. `reachable`: whether the person has a token there. */
export type Elsewhere = {
  key: string;
  repo_url: string;
  project_id: string | null;
  repository: Repository;
  forge: ForgeScene['forge'];
  client: OpenForge['client'];
  token: string;
  reachable: boolean;
};

/** A project of ada's repository, errands whose worker is the test, and a forge. */
export class PullsScene {
  readonly log: EventLog;
  readonly forge: ForgeScene['forge'];
  readonly client: OpenForge['client'];
  readonly demo: Repository;
  readonly sent: ForgeScene['sent'];
  readonly read: ForgeScene['read'];
  readonly person: Token;
  readonly lines: string[];
  readonly user_id: string;
  readonly bot: Bot;
  readonly ada: ForgeScene['ada'];
  readonly project_id = newId();
  /** What the project names the repository. */
  readonly repo_url: string;
  pulls: Pulls;

  static async start(
    t: ExecutionContext,
    { kind = 'github', ...wishes }: Wishes = {},
    times: Partial<PullTimes> = {},
  ): Promise<PullsScene> {
    const scene = await forgeScene(t, kind);
    const db = openTestDatabase(join(await memoryFolder(t), 'errand.db'));
    const lines: string[] = [];
    const log = new EventLog({ db, logger: createLogger('debug', { write: (line) => void lines.push(line) }) });
    const started = new PullsScene(scene, log, lines, wishes);
    started.pulls = started.open({ ...TIMES, ...times });
    started.pulls.start();
    t.teardown(async () => {
      await started.pulls.stop();
      db.close();
    });
    return started;
  }

  private constructor(
    { forge, client, ada, demo, sent, read }: ForgeScene,
    log: EventLog,
    lines: string[],
    wishes: Omit<Wishes, 'kind'>,
  ) {
    this.log = log;
    this.lines = lines;
    this.forge = forge;
    this.sent = sent;
    this.read = read;
    this.client = {
      ...client,
      repository: (...call) => {
        if (this.away) throw new ForgeApiError('unreachable', 'The connection was refused.');
        return client.repository(...call);
      },
      pull: async (...call) => {
        if (this.away) throw new ForgeApiError('unreachable', 'The connection was refused.');
        const answer = await client.pull(...call);
        await this.after_look?.();
        return answer;
      },
    };
    this.demo = demo;
    this.ada = ada;
    this.person = forge.apps.personalToken(ada);
    this.bot = client.kind === 'github' ? installedBot(forge, demo) : invitedBot(forge, demo);
    this.repo_url = `${client.origin}/ada/demo.git`;
    this.user_id = addUser(log);
    this.pulls = this.open(TIMES);
    const at = new Date().toISOString();
    const { user_id, project_id: id, repo_url } = this;
    const nothing = { base_branch: null, setup_command: null, verify_command: null, model: null, effort: null };
    const bounds = { max_tokens: null, budget_usd: null, max_turns: null, extra_models: [], egress_hosts: [], env: {} };
    const asks = { allowed_hosts: [], ask_before_push: false, ask_at_budget: false, egress: 'none' as const };
    const bot = { mentions: false, follow_up: false, instructions: null, image: null };
    const secrets = { secrets: null, has_git_token: false, secret_names: [] };
    const author = { pull_requests: 'ready' as const, pull_author: 'person' as const, ...wishes };
    const project = { id, user_id, repo_url, name: 'demo', created_at: at, updated_at: at };
    log.write(({ db }) =>
      insertProject(db, { ...project, ...nothing, ...bounds, ...asks, ...bot, ...secrets, ...author }),
    );
  }

  open(times: PullTimes): Pulls {
    const config = { public_url: 'https://errand.example.org' };
    return new Pulls({
      log: this.log,
      access: this.access(),
      config,
      logger: createLogger('debug', { write: (line) => void this.lines.push(line) }),
      times,
    });
  }

  /** Makes the forge known to the database; returns its id. */
  addForge(): string {
    const id = newId();
    const text = `INSERT INTO forges (id, kind, origin, secrets, created_at) VALUES (?, ?, ?, '', '')`;
    this.log.db.prepare(text).run(id, this.client.kind, this.client.origin);
    return id;
  }

  /** Further repositories by their addresses, and how they are reached. */
  readonly elsewhere = new Map<string, Elsewhere>();

  access(): ForgeAccess {
    const open = (token: string, as: OpenForge['as']): OpenForge => {
      return { client: this.client, repository: { owner: 'ada', name: 'demo' }, token, as };
    };
    return {
      forPerson: async ({ project_id }, repo_url) => {
        this.asked.push({ project_id, repo_url });
        const other = this.elsewhere.get(repo_url);
        if (other?.reachable === false) return undefined;
        if (other)
          return {
            ...open(other.token, 'person'),
            client: other.client,
            repository: { owner: 'ada', name: other.repository.name },
          };
        return this.has_token ? open(this.person.value, 'person') : undefined;
      },
      forApp: async (repo_url) => {
        if (this.elsewhere.has(repo_url)) return undefined;
        if (this.app_refused) throw new ForgeApiError('app_refused', 'The key of the app is not accepted.');
        const token = this.bot.token();
        return token && open(token.value, 'app');
      },
    };
  }

  /** Called between the forge's answer about a pull request and what is done with it. */
  after_look: (() => Promise<void>) | undefined;

  /** For which repositories a person's token was asked for, and of which project. */
  readonly asked: { project_id: string | null; repo_url: string }[] = [];

  /** Whether the forge is away. */
  away = false;

  /** Whether the forge does not accept the key of the server's app. */
  app_refused = false;

  /** Whether the person has a token. */
  has_token = true;

  /** An errand whose worker is the test. */
  errand(prompt = 'Mend the parser', fields: Partial<TaskRow> = {}): StagedErrand {
    const { user_id, project_id, repo_url } = this;
    return new StagedErrand(
      this.log,
      addTask(this.log, user_id, { project_id, repo_url, prompt, title: prompt, ...fields }).id,
    );
  }

  /** The errand works once, pushes and succeeds. */
  async work(errand: StagedErrand, summary = 'Mend the parser', file = 'parser.txt'): Promise<string> {
    const { status, branch } = taskOf(this.log, errand.id);
    if (status !== 'queued') this.log.write((tx) => addMessage(tx, this.user_id, errand.id, { text: 'Go on' }));
    errand.begin();
    const commit = await this.forge.push(this.demo, branch, { [file]: summary });
    const base_commit = await git(this.forge.world.folder(this.demo), 'merge-base', 'main', commit);
    const diff_stat = { files: 1, insertions: 1, deletions: 0 };
    errand.end('succeeded', null, { summary, branch, commit, base_commit, diff_stat });
    return commit;
  }

  /** The errand takes back all that it has pushed, and succeeds. */
  async takeBack(errand: StagedErrand, summary = 'Taken back'): Promise<string> {
    const { branch } = taskOf(this.log, errand.id);
    this.log.write((tx) => addMessage(tx, this.user_id, errand.id, { text: 'Undo that' }));
    errand.begin();
    const folder = this.forge.world.folder(this.demo);
    const base_commit = await git(folder, 'merge-base', 'main', branch);
    await git(folder, 'update-ref', `refs/heads/${branch}`, base_commit);
    await this.forge.pushed(this.demo, this.demo.owner);
    const diff_stat = { files: 0, insertions: 0, deletions: 0 };
    errand.end('succeeded', null, { summary, branch, commit: base_commit, base_commit, diff_stat });
    return base_commit;
  }

  /** The pull requests of an errand as clients see them. */
  pullsOf(errand: StagedErrand): PullRequest[] {
    return listPullsOf(this.log.db, errand.id).map(pullView);
  }

  /** The newest pull request of an errand, as stored. */
  rowOf(errand: StagedErrand): PullRow | undefined {
    return listPullsOf(this.log.db, errand.id).at(-1);
  }

  /** Its only pull request, once it is as wished. */
  async pull(errand: StagedErrand, what: string, holds: (pull: PullRequest) => boolean): Promise<PullRequest> {
    try {
      return await until(what, () => this.pullsOf(errand).find(holds));
    } catch (error) {
      throw new Error(`${JSON.stringify(this.pullsOf(errand))} ${this.lines.at(-1)?.slice(0, 600)}`, { cause: error });
    }
  }

  opened(errand: StagedErrand): Promise<PullRequest> {
    return this.pull(errand, 'the pull request is open', ({ state }) => state === 'open');
  }

  /** The pull requests on the forge. */
  on_forge(): (Issue & { pull: NonNullable<Issue['pull']> })[] {
    return this.demo.issues.flatMap((issue) => (issue.pull ? [{ ...issue, pull: issue.pull }] : []));
  }

  /** The events about pull requests: their types and, of changes, the fields. */
  told(errand: StagedErrand): string[] {
    return this.log.db
      .prepare<[string], { type: string; body: string }>(
        `SELECT type, body FROM events WHERE task_id = ? AND type LIKE 'pull.%' ORDER BY id`,
      )
      .all(errand.id)
      .map(({ type, body }) => {
        const { changed = [], pull } = JSON.parse(body) as { changed?: string[]; pull: PullRequest };
        return [type, pull.state, ...changed].join(' ');
      });
  }
}

/** GitHub has apps, which are installed at an account. */
function installedBot({ apps }: ForgeScene['forge'], demo: Repository): Bot {
  const app = apps.addApp(demo.owner, { name: 'Errand Bot' });
  return {
    person: app.bot,
    install: () => void apps.install(app, demo.owner),
    token: () => {
      const installation = apps.installationOf(app, demo);
      return installation && apps.installationToken(installation);
    },
  };
}

/** Gitea has none: the server has an account of its own there, which is invited to the repository. */
function invitedBot({ world, apps }: ForgeScene['forge'], demo: Repository): Bot {
  const person = world.addPerson('errand-bot');
  return {
    person,
    install: () => void demo.permissions.set(person, 'write'),
    token: () => (demo.permissions.has(person) ? apps.personalToken(person) : undefined),
  };
}
