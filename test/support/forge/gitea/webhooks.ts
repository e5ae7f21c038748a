import { createHmac, randomUUID } from 'node:crypto';
import { Hooks } from '../hooks.ts';
import type { Actions } from '../actions.ts';
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
import type { Render } from './render.ts';
import { faultOf, fill, type Json } from './shapes.ts';

const REVIEWS = {
  APPROVED: ['pull_request_approved', 'pull_request_review_approved'],
  CHANGES_REQUESTED: ['pull_request_rejected', 'pull_request_review_rejected'],
  COMMENTED: ['pull_request_comment', 'pull_request_review_comment'],
} as const;

/** The hook of the whole server: Gitea's administrators can set one. `url` empty: nothing is sent, only noted. */
export class GiteaWebhooks implements Webhooks {
  readonly hook = { url: '', secret: 'secret-of-the-hook' };
  readonly hooks = new Hooks();
  readonly #actions: Pick<Actions, 'checker'>;
  readonly #render: Render;

  constructor(actions: Pick<Actions, 'checker'>, render: Render) {
    this.#actions = actions;
    this.#render = render;
  }

  issueOpened(repository: Repository, issue: Issue, by: Person): void {
    this.#tellIssue(repository, issue, by, 'issues', { action: 'opened' });
  }

  labeled(repository: Repository, issue: Issue, by: Person, label: string): void {
    const changes = { added_labels: [fill('Label', { name: label })], removed_labels: [] };
    if (isPull(issue))
      this.#tellPull(repository, issue, by, ['pull_request', 'pull_request_label'], {
        action: 'label_updated',
        changes,
      });
    else this.#tellIssue(repository, issue, by, 'issue_label', { action: 'label_updated', changes });
  }

  commented(repository: Repository, issue: Issue, comment: Comment): void {
    const type = isPull(issue) ? 'pull_request_comment' : 'issue_comment';
    this.#tell(repository, comment.author, ['issue_comment', type], 'IssueCommentPayload', {
      action: 'created',
      issue: this.#render.issue(repository, issue),
      comment: this.#render.comment(repository, issue, comment),
      is_pull: isPull(issue),
    });
  }

  pull(repository: Repository, pull: PullIssue, by: Person, action: PullAction): void {
    const drafted = action === 'ready_for_review' || action === 'converted_to_draft';
    const own = action === 'synchronize' ? 'synchronized' : drafted ? 'edited' : action;
    this.#tellPull(repository, pull, by, ['pull_request', 'pull_request'], { action: own });
  }

  reviewed(repository: Repository, pull: PullIssue, review: Review, _comments: ReviewComment[]): void {
    const [event, type] = REVIEWS[review.state];
    const said = { action: 'reviewed', review: { type, content: review.body } };
    this.#tellPull(repository, pull, review.author, [event, type], said);
  }

  replied(repository: Repository, pull: PullIssue, _review: Review, reply: ReviewComment): void {
    const [event, type] = REVIEWS.COMMENTED;
    const said = { action: 'reviewed', review: { type, content: reply.body } };
    this.#tellPull(repository, pull, reply.author, [event, type], said);
  }

  checked(repository: Repository, check: CheckRun): void {
    this.#tellStatus(repository, check.commit, this.#render.jobStatus(repository, check));
  }

  statusSet(repository: Repository, status: Status): void {
    this.#tellStatus(repository, status.commit, this.#render.status(status));
  }

  /** Gitea tells only of what is created or deleted. */
  repository(repository: Repository, by: Person, action: RepositoryAction): void {
    if (action === 'deleted') this.#tell(repository, by, ['repository', 'repository'], 'RepositoryPayload', { action });
  }

  #tellIssue(repository: Repository, issue: Issue, by: Person, type: string, more: Json): void {
    const payload = { number: issue.number, issue: this.#render.issue(repository, issue), ...more };
    this.#tell(repository, by, ['issues', type], 'IssuePayload', payload);
  }

  #tellPull(repository: Repository, pull: PullIssue, by: Person, event: readonly [string, string], more: Json): void {
    const payload = { number: pull.number, pull_request: this.#render.pull(repository, pull), ...more };
    this.#tell(repository, by, event, 'PullRequestPayload', payload);
  }

  #tellStatus(repository: Repository, sha: string, { status: state, ...status }: Json): void {
    const { id, context, description, target_url, created_at, updated_at } = status;
    const commit = fill('PayloadCommit', { id: sha });
    const payload = { sha, state, commit, id, context, description, target_url, created_at, updated_at };
    this.#tell(repository, this.#actions.checker, ['status', 'status'], 'CommitStatusPayload', payload);
  }

  #tell(repository: Repository, by: Person, [event, type]: readonly [string, string], shape: string, more: Json): void {
    const common = { repository: this.#render.repository(repository, 'read'), sender: this.#render.user(by) };
    const payload = fill(shape, { ...common, ...more });
    const fault = faultOf(shape, payload);
    if (fault !== undefined) throw new Error(fault);
    const body = JSON.stringify(payload, null, 2);
    const id = randomUUID();
    const { url, secret } = this.hook;
    this.hooks.send({ id, event, url, body, headers: headersOf(secret, id, [event, type], body) });
  }
}

/** For older receivers Gitea sends the headers of Gogs and GitHub too. */
function headersOf(secret: string, id: string, [event, type]: [string, string], body: string): Record<string, string> {
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  const own = ['gitea', 'gogs', 'github'].flatMap((name) => [
    [`x-${name}-delivery`, id],
    [`x-${name}-event`, event],
    [`x-${name}-event-type`, type],
  ]);
  return {
    ...(Object.fromEntries(own) as Record<string, string>),
    'content-type': 'application/json',
    'x-gitea-signature': signature,
    'x-gogs-signature': signature,
    'x-hub-signature-256': `sha256=${signature}`,
  };
}
