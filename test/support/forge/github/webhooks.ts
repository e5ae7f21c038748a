import { createHmac, randomUUID } from 'node:crypto';
import type { Actions } from '../actions.ts';
import type { App } from '../apps.ts';
import type { PullAction, RepositoryAction, Webhooks } from '../webhooks.ts';
import {
  isPull,
  type CheckRun,
  type Comment,
  type Issue,
  type Person,
  type PullIssue,
  type Repository,
  type Review,
  type ReviewComment,
  type Status,
} from '../world.ts';
import type { Hooks } from '../hooks.ts';
import type { Webhook } from './operations.ts';
import type { Render } from './render.ts';
import { fillWebhook, merge, webhookFault, type Json } from './shapes.ts';

/** Tells the apps that are installed at a repository, in GitHub's form. */
export class GitHubWebhooks implements Webhooks {
  readonly #actions: Pick<Actions, 'apps' | 'checker' | 'origin'>;
  readonly #render: Render;
  readonly #hooks: Hooks;
  readonly #check_app: App;

  constructor(actions: Pick<Actions, 'apps' | 'checker' | 'origin'>, render: Render, hooks: Hooks, check_app: App) {
    this.#actions = actions;
    this.#render = render;
    this.#hooks = hooks;
    this.#check_app = check_app;
  }

  issueOpened(repository: Repository, issue: Issue, by: Person): void {
    this.#tell(repository, by, 'issues.opened', { issue: this.#render.issue(repository, issue) });
    // Those that were chosen with it are told too, each by itself.
    for (const label of issue.labels) this.labeled(repository, issue, by, label);
  }

  labeled(repository: Repository, issue: Issue, by: Person, name: string): void {
    const url = this.#actions.origin;
    const label = { id: 1, node_id: 'LA_1', url, name, color: 'ededed', default: false, description: null };
    if (isPull(issue)) this.#tellPull(repository, by, 'pull_request.labeled', issue, { label });
    else this.#tell(repository, by, 'issues.labeled', { issue: this.#render.issue(repository, issue), label });
  }

  commented(repository: Repository, issue: Issue, comment: Comment): void {
    this.#tell(repository, comment.author, 'issue_comment.created', {
      issue: this.#render.issue(repository, issue),
      comment: this.#render.comment(repository, issue, comment),
    });
  }

  pull(repository: Repository, pull: PullIssue, by: Person, action: PullAction): void {
    const commits = { before: '0'.repeat(40), after: pull.pull.head_commit };
    const changes = action === 'edited' ? { changes: { title: { from: 'Before' } } } : {};
    const more = action === 'synchronize' ? commits : changes;
    this.#tellPull(repository, by, `pull_request.${action}`, pull, more);
  }

  reviewed(repository: Repository, pull: PullIssue, review: Review, comments: ReviewComment[]): void {
    this.#tell(repository, review.author, 'pull_request_review.submitted', {
      review: {
        ...this.#render.review(repository, pull, review),
        state: review.state.toLowerCase(),
        updated_at: review.submitted_at,
      },
      pull_request: this.#render.pull(repository, pull, 'pull-request-simple'),
    });
    for (const comment of comments) this.#commented(repository, pull, comment);
  }

  /** GitHub makes a review of each reply, too. */
  replied(repository: Repository, pull: PullIssue, review: Review, reply: ReviewComment): void {
    this.reviewed(repository, pull, review, [reply]);
  }

  #commented(repository: Repository, pull: PullIssue, reply: ReviewComment): void {
    this.#tell(repository, reply.author, 'pull_request_review_comment.created', {
      comment: this.#render.reviewComment(repository, pull, reply),
      pull_request: this.#render.pull(repository, pull, 'pull-request-simple'),
    });
  }

  checked(repository: Repository, check: CheckRun): void {
    const check_run = this.#render.check(repository, check, this.#check_app);
    this.#tell(repository, this.#actions.checker, 'check_run.completed', { check_run });
  }

  statusSet(repository: Repository, status: Status): void {
    const { id, context, state, description, commit: sha, at } = status;
    const by = { name: 'Ada', email: 'ada@example.test', date: at };
    this.#tell(repository, this.#actions.checker, 'status.', {
      id,
      sha,
      context,
      state,
      description,
      created_at: at,
      updated_at: at,
      name: `${repository.owner.login}/${repository.name}`,
      target_url: this.#render.status(repository, status)['target_url'],
      commit: { sha, commit: { author: by, committer: by } },
    });
  }

  repository(repository: Repository, by: Person, action: RepositoryAction, from = ''): void {
    const owner = this.#actions.apps.apps[0]?.owner ?? by;
    const changes: Record<RepositoryAction, Json> = {
      renamed: { changes: { repository: { name: { from } } } },
      transferred: { changes: { owner: { from: { user: { ...this.#render.user(owner), login: from } } } } },
      privatized: {},
      deleted: {},
    };
    this.#tell(repository, by, `repository.${action}`, changes[action]);
  }

  #tell(repository: Repository, sender: Person, webhook: Webhook, payload: Json): void {
    for (const app of this.#actions.apps.apps) {
      const installation = this.#actions.apps.installationOf(app, repository);
      if (installation === undefined) continue;
      this.#send(app, webhook, {
        repository: this.#render.repository(repository, 'read'),
        sender: this.#render.user(sender),
        installation: { id: installation.id, node_id: `MDI${installation.id}` },
        ...payload,
      });
    }
  }

  /** The payload is checked by GitHub's description of it. */
  #send(app: App, webhook: Webhook, payload: Json): void {
    const [event = '', action = ''] = webhook.split('.');
    const whole = merge(fillWebhook(webhook, {}), action === '' ? payload : { action, ...payload });
    const fault = webhookFault(webhook, whole);
    if (fault !== undefined) throw new Error(`${webhook}: ${fault}`);
    const body = JSON.stringify(whole);
    const id = randomUUID();
    this.#hooks.send({ id, event, body, url: app.hook_url ?? '', headers: headersOf(app, id, event, body) });
  }

  #tellPull(repository: Repository, by: Person, webhook: Webhook, pull: PullIssue, more: Json = {}): void {
    this.#tell(repository, by, webhook, {
      number: pull.number,
      pull_request: this.#render.pull(repository, pull),
      ...more,
    });
  }
}

function headersOf(
  { id: app_id, webhook_secret }: App,
  id: string,
  event: string,
  body: string,
): Record<string, string> {
  const signed = (hash: string) => `${hash}=${createHmac(hash, webhook_secret).update(body).digest('hex')}`;
  return {
    accept: '*/*',
    'content-type': 'application/json',
    'user-agent': 'GitHub-Hookshot/0123456',
    'x-github-delivery': id,
    'x-github-event': event,
    'x-github-hook-id': String(app_id),
    'x-github-hook-installation-target-id': String(app_id),
    'x-github-hook-installation-target-type': 'integration',
    'x-hub-signature': signed('sha1'),
    'x-hub-signature-256': signed('sha256'),
  };
}
