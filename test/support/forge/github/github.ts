import type { PullPatch } from '../../../../coordinator/forge/forge.ts';
import type { GitServer, Intercept } from '../../git-server.ts';
import { Actions } from '../actions.ts';
import type { App } from '../apps.ts';
import { isPull, type CheckRun, type Person, type PullIssue, type Repository } from '../world.ts';
import { Hooks } from '../hooks.ts';
import { Render } from './render.ts';
import { SignIn } from './sign-in.ts';
import { GitHubWebhooks } from './webhooks.ts';

/** A call of the API that the stand-in received. `token`: that it bore. */
export type SeenCall = { method: string; path: string; token: string | null; status: number };

/** GitHub in memory: what is there, what happens there, and what a test may look at and change. */
export class GitHub extends Actions {
  readonly api_path = '/api/v3';
  readonly api: string;
  readonly render: Render;
  readonly sign_in: SignIn;
  readonly hooks = new Hooks();
  readonly webhooks: GitHubWebhooks;
  /** The app that check runs are by. */
  readonly check_app: App;
  /** Answers that GitHub's description of its API does not allow. */
  readonly faults: string[] = [];
  readonly calls: SeenCall[] = [];
  /** Answers requests in the stand-in's place, git's too. True: it has. */
  intercept: Intercept | undefined;
  /** Organisations that ask for single sign-on, at which nobody has a session: lists leave them out. */
  readonly sso = new Set<Person>();
  /** Refuses all calls of the API until then, in milliseconds. */
  limited: { kind: 'primary' | 'secondary'; until: number } | undefined;

  constructor(git_server: GitServer) {
    super(git_server);
    this.api = `${this.origin}${this.api_path}`;
    this.render = new Render(this.origin, this.api);
    this.sign_in = new SignIn(this.world, this.apps);
    this.check_app = this.apps.addApp(this.checker, { name: 'Checks' });
    this.webhooks = new GitHubWebhooks(this, this.render, this.hooks, this.check_app);
  }

  override async editPull(repository: Repository, pull: PullIssue, patch: PullPatch, by?: Person): Promise<void> {
    await super.editPull(repository, pull, patch, by);
    pull.pull.is_frozen = pull.state === 'closed';
  }

  /** GitHub closes a pull request itself when its branch is back at the base. */
  override async pushed(repository: Repository, by: Person): Promise<void> {
    await super.pushed(repository, by);
    for (const pull of repository.issues.filter(isPull).filter(({ state }) => state === 'open')) {
      const { base, head } = pull.pull;
      const has_commits = (await this.world.countAhead(repository, base, head)) > 0;
      if (!has_commits) await this.editPull(repository, pull, { state: 'closed' }, by);
    }
  }

  /** Where a job's log can be read without a token. */
  logUrl({ id }: CheckRun): string {
    return `${this.origin}/_logs/${id}?signature=secret`;
  }
}
