import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { PullDraft, PullPatch } from '../../../../coordinator/forge/forge.ts';
import { git, type GitServer } from '../../git-server.ts';
import { Apps, type App } from './apps.ts';
import type { PullIssue } from './call.ts';
import { Hooks } from './hooks.ts';
import type { Webhook } from './operations.ts';
import { Render } from './render.ts';
import type { Json } from './shapes.ts';
import {
  World,
  type CheckRun,
  type Comment,
  type Issue,
  type Person,
  type Repository,
  type Review,
  type ReviewComment,
  type Status,
} from './world.ts';

/** A comment on lines, as a person writes it. */
export type LineComment = { path: string; line: number | null; start_line?: number; body: string; diff_hunk?: string };

/** What people and programs do at GitHub. Each tells the apps that are installed there, by webhook. */
export class Actions {
  readonly origin: string;
  readonly api_path = '/api/v3';
  readonly api: string;
  readonly world: World;
  readonly apps: Apps;
  readonly hooks = new Hooks();
  readonly render: Render;
  /** The app that check runs are by. */
  readonly check_app: App;

  constructor(git_server: GitServer) {
    this.origin = git_server.origin;
    this.api = `${this.origin}${this.api_path}`;
    this.world = new World(git_server);
    this.apps = new Apps(this.world);
    this.render = new Render(this.origin, this.api);
    this.check_app = this.apps.addApp(this.world.addPerson('github', { type: 'Organization' }), { name: 'Checks' });
  }

  openIssue(repository: Repository, author: Person, texts: { title: string; body?: string; labels?: string[] }): Issue {
    const issue = this.#addIssue(repository, author, { body: '', labels: [], ...texts });
    this.tell(repository, author, 'issues.opened', { issue: this.render.issue(repository, issue) });
    return issue;
  }

  label(repository: Repository, issue: Issue, by: Person, label: string): void {
    issue.labels.push(label);
    const labelled = {
      label: { id: 1, node_id: 'LA_1', url: this.api, name: label, color: 'ededed', default: false, description: null },
    };
    if (issue.pull === null)
      this.tell(repository, by, 'issues.labeled', { issue: this.render.issue(repository, issue), ...labelled });
    else this.tellPull(repository, by, 'pull_request.labeled', issue as PullIssue, labelled);
  }

  comment(repository: Repository, issue: Issue, author: Person, body: string): Comment {
    const comment = this.#newComment(author, body);
    issue.comments.push(comment);
    this.tell(repository, author, 'issue_comment.created', {
      issue: this.render.issue(repository, issue),
      comment: this.render.comment(repository, issue, comment),
    });
    return comment;
  }

  async openPull(repository: Repository, author: Person, draft: PullDraft): Promise<PullIssue> {
    const { title, body, head, base } = draft;
    const issue = this.#addIssue(repository, author, { title, body, labels: [] });
    const none = { head_commit: '', base_commit: '', merged: false, reviews: [], comments: [] };
    const pull: PullIssue = Object.assign(issue, { pull: { head, base, draft: draft.draft, ...none } });
    await this.world.freshPull(repository, pull.pull);
    this.tellPull(repository, author, 'pull_request.opened', pull);
    return pull;
  }

  async editPull(repository: Repository, pull: PullIssue, patch: PullPatch, by: Person = pull.author): Promise<void> {
    const { draft, state } = patch;
    const before = { draft: pull.pull.draft, state: pull.state, title: pull.title };
    pull.title = patch.title ?? pull.title;
    pull.body = patch.body ?? pull.body;
    pull.pull.draft = draft ?? pull.pull.draft;
    pull.state = state ?? pull.state;
    pull.updated_at = this.world.time();
    await this.world.freshPull(repository, pull.pull);
    if (state !== undefined && state !== before.state)
      this.tellPull(repository, by, state === 'closed' ? 'pull_request.closed' : 'pull_request.reopened', pull);
    else if (draft !== undefined && draft !== before.draft)
      this.tellPull(repository, by, draft ? 'pull_request.converted_to_draft' : 'pull_request.ready_for_review', pull);
    else this.tellPull(repository, by, 'pull_request.edited', pull, { changes: { title: { from: before.title } } });
  }

  /** Merges the head into the base, with git; returns the new commit. */
  async merge(repository: Repository, pull: PullIssue, by: Person): Promise<string> {
    const { head, base } = await this.world.freshPull(repository, pull.pull);
    const commit = await this.#inClone(repository, base, async (folder) => {
      await git(folder, 'merge', '--quiet', '--no-ff', '--message', `Merge #${pull.number}`, `origin/${head}`);
      await git(folder, 'push', '--quiet', 'origin', `HEAD:${base}`);
    });
    Object.assign(pull, { state: 'closed', updated_at: this.world.time() });
    pull.pull.merged = true;
    pull.pull.draft = false;
    this.tellPull(repository, by, 'pull_request.closed', pull);
    return commit;
  }

  /** A person's review, with comments on lines. */
  async review(
    repository: Repository,
    pull: PullIssue,
    author: Person,
    { state, body = '', comments = [] }: { state: Review['state']; body?: string; comments?: LineComment[] },
  ): Promise<{ review: Review; comments: ReviewComment[] }> {
    const { head_commit: commit } = await this.world.freshPull(repository, pull.pull);
    const review: Review = { id: this.world.id(), author, state, body, commit, submitted_at: this.world.time() };
    pull.pull.reviews.push(review);
    const written = comments.map((comment) => this.#addReviewComment(pull, review, author, comment, null));
    const simple = this.render.pull(repository, pull, 'pull-request-simple');
    const rendered = {
      ...this.render.review(repository, pull, review),
      state: state.toLowerCase(),
      updated_at: review.submitted_at,
    };
    this.tell(repository, author, 'pull_request_review.submitted', { review: rendered, pull_request: simple });
    for (const comment of written) this.#tellReviewComment(repository, pull, comment);
    return { review, comments: written };
  }

  async reply(
    repository: Repository,
    pull: PullIssue,
    to: ReviewComment,
    author: Person,
    body: string,
  ): Promise<ReviewComment> {
    const { head_commit: commit } = await this.world.freshPull(repository, pull.pull);
    const review: Review = {
      id: this.world.id(),
      author,
      state: 'COMMENTED',
      body: '',
      commit,
      submitted_at: this.world.time(),
    };
    pull.pull.reviews.push(review);
    const { path, line, diff_hunk } = to;
    const reply = this.#addReviewComment(pull, review, author, { path, line, diff_hunk, body }, to);
    this.#tellReviewComment(repository, pull, reply);
    return reply;
  }

  /** A check run. With a log it is a job of GitHub Actions. It tells only when it is completed. */
  check(repository: Repository, commit: string, run: Pick<CheckRun, 'name'> & Partial<CheckRun>): CheckRun {
    const { id = this.world.id(), status = 'completed', conclusion = status === 'completed' ? 'success' : null } = run;
    const check: CheckRun = { log: null, at: this.world.time(), ...run, id, commit, status, conclusion };
    repository.checks.push(check);
    if (status === 'completed') this.#tellCheck(repository, check);
    return check;
  }

  finishCheck(repository: Repository, check: CheckRun, conclusion: CheckRun['conclusion'], log = check.log): void {
    Object.assign(check, { status: 'completed', conclusion, log, at: this.world.time() });
    this.#tellCheck(repository, check);
  }

  /** A commit status, as services outside of GitHub set it. */
  status(
    repository: Repository,
    commit: string,
    fields: Pick<Status, 'context' | 'state'> & { description?: string },
  ): void {
    const status: Status = { id: this.world.id(), description: null, at: this.world.time(), ...fields, commit };
    repository.statuses.push(status);
    const { context, state, description, id, at } = status;
    const by = { name: 'Ada', email: 'ada@example.test', date: at };
    this.tell(repository, this.check_app.owner, 'status.', {
      ...{ id, context, state, description, sha: commit, created_at: at, updated_at: at },
      name: `${repository.owner.login}/${repository.name}`,
      target_url: this.render.status(repository, status)['target_url'],
      commit: { sha: commit, commit: { author: by, committer: by } },
    });
  }

  async rename(repository: Repository, name: string, by: Person = repository.owner): Promise<void> {
    const from = repository.name;
    await this.world.rename(repository, { name });
    this.tell(repository, by, 'repository.renamed', { changes: { repository: { name: { from } } } });
  }

  async transfer(repository: Repository, owner: Person, by: Person = repository.owner): Promise<void> {
    const from = { user: this.render.user(repository.owner) };
    await this.world.rename(repository, { owner });
    this.tell(repository, by, 'repository.transferred', { changes: { owner: { from } } });
  }

  makePrivate(repository: Repository, by: Person = repository.owner): void {
    repository.private = true;
    this.tell(repository, by, 'repository.privatized', {});
  }

  async remove(repository: Repository, by: Person = repository.owner): Promise<void> {
    await this.world.remove(repository);
    this.tell(repository, by, 'repository.deleted', {});
  }

  /** Refuses pushes to a branch, except by a merge. */
  async protect(repository: Repository, branch: string): Promise<void> {
    repository.protected_branches.add(branch);
    const refs = [...repository.protected_branches].map((one) => `refs/heads/${one}`);
    const refuse = `echo "GH006: Protected branch update failed for $1." >&2; exit 1`;
    // Only pushes over HTTP have a request.
    const hook = `#!/bin/sh\n[ -z "$REQUEST_METHOD" ] && exit 0\ncase "$1" in\n${refs.join('|')}) ${refuse};;\nesac\n`;
    const path = join(this.world.folder(repository), 'hooks/update');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, hook, { mode: 0o755 });
  }

  /** A person's own commit, pushed to a branch, which is made if it is not there; returns it. */
  push(repository: Repository, branch: string, files: Record<string, string>, message = 'Change'): Promise<string> {
    return this.#inClone(repository, branch, async (folder) => {
      for (const [path, text] of Object.entries(files)) {
        await mkdir(dirname(join(folder, path)), { recursive: true });
        await writeFile(join(folder, path), text);
      }
      await git(folder, 'add', '--all');
      await git(folder, 'commit', '--quiet', '--allow-empty', `--message=${message}`);
      await git(folder, 'push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
      repository.pushed_at = this.world.time();
    });
  }

  /** Sends a webhook to the apps that are installed at the repository. */
  tell(repository: Repository, sender: Person, webhook: Webhook, payload: Json): void {
    for (const app of this.apps.apps) {
      const installation = this.apps.installationOf(app, repository);
      if (installation === undefined) continue;
      this.hooks.send(app, webhook, {
        repository: this.render.repository(repository, 'read'),
        sender: this.render.user(sender),
        installation: { id: installation.id, node_id: `MDI${installation.id}` },
        ...payload,
      });
    }
  }

  tellPull(repository: Repository, by: Person, webhook: Webhook, pull: PullIssue, more: Json = {}): void {
    this.tell(repository, by, webhook, {
      number: pull.number,
      pull_request: this.render.pull(repository, pull),
      ...more,
    });
  }

  #tellReviewComment(repository: Repository, pull: PullIssue, comment: ReviewComment): void {
    this.tell(repository, comment.author, 'pull_request_review_comment.created', {
      comment: this.render.reviewComment(repository, pull, comment),
      pull_request: this.render.pull(repository, pull, 'pull-request-simple'),
    });
  }

  #tellCheck(repository: Repository, check: CheckRun): void {
    const check_run = this.render.check(repository, check, this.check_app);
    this.tell(repository, this.check_app.owner, 'check_run.completed', { check_run });
  }

  #addIssue(repository: Repository, author: Person, texts: Pick<Issue, 'title' | 'body' | 'labels'>): Issue {
    const number = Math.max(0, ...repository.issues.map((one) => one.number)) + 1;
    const times = { created_at: this.world.time(), updated_at: this.world.time() };
    const issue: Issue = {
      id: this.world.id(),
      number,
      author,
      state: 'open',
      comments: [],
      pull: null,
      ...times,
      ...texts,
    };
    repository.issues.push(issue);
    return issue;
  }

  #newComment(author: Person, body: string): Comment {
    return { id: this.world.id(), author, body, created_at: this.world.time(), updated_at: this.world.time() };
  }

  #addReviewComment(
    pull: PullIssue,
    review: Review,
    author: Person,
    comment: LineComment,
    in_reply_to: ReviewComment | null,
  ): ReviewComment {
    const { body, path, line, start_line = null, diff_hunk = '@@ -1 +1 @@\n-old\n+new' } = comment;
    const place = { path, line, start_line, diff_hunk, commit: review.commit, review_id: review.id };
    const added: ReviewComment = { ...this.#newComment(author, body), ...place, in_reply_to, resolved: false };
    pull.pull.comments.push(added);
    return added;
  }

  /** Runs in a clone of a branch; returns the commit that it ends at. */
  async #inClone(repository: Repository, branch: string, work: (folder: string) => Promise<void>): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'errand-forge-clone-'));
    try {
      const start = (await this.world.branch(repository, branch)) === undefined ? repository.default_branch : branch;
      await git(folder, 'clone', '--quiet', '--branch', start, this.world.folder(repository), '.');
      await work(folder);
      return await git(folder, 'rev-parse', 'HEAD');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}
