import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PullDraft, PullPatch } from '../../../coordinator/forge/forge.ts';
import type { MergeMethod } from '../../../protocol/pulls.ts';
import { git, type GitServer } from '../git-server.ts';
import { importCommit } from '../import-commit.ts';
import { Apps } from './apps.ts';
import { mergeWithGit } from './merge-with-git.ts';
import type { Webhooks } from './webhooks.ts';
import {
  isPull,
  World,
  type CheckRun,
  type Comment,
  type Issue,
  type Person,
  type PullIssue,
  type Repository,
  type Review,
  type ReviewComment,
  type Status,
} from './world.ts';

/** A comment on lines, as a person writes it. */
export type LineComment = { path: string; line: number | null; start_line?: number; body: string; diff_hunk?: string };

/** What people and programs do at a forge. What a forge tells others of, it does by webhook. */
export abstract class Actions {
  readonly origin: string;
  /** `127.0.0.1:<port>`, for the setting `private_hosts`. */
  readonly host: string;
  readonly world: World;
  readonly apps: Apps;
  abstract readonly webhooks: Webhooks;
  /** Who checks are by. */
  readonly checker: Person;

  constructor(git_server: GitServer) {
    this.origin = git_server.origin;
    this.host = git_server.host;
    this.world = new World(git_server);
    this.apps = new Apps(this.world);
    this.checker = this.world.addPerson('checker', { type: 'Organization' });
  }

  openIssue(repository: Repository, author: Person, texts: { title: string; body?: string; labels?: string[] }): Issue {
    const issue = this.#addIssue(repository, author, { body: '', labels: [], ...texts });
    this.webhooks.issueOpened(repository, issue, author);
    return issue;
  }

  label(repository: Repository, issue: Issue, by: Person, label: string): void {
    issue.labels.push(label);
    issue.updated_at = this.world.time();
    this.#noteLabel(issue, by, label);
    this.webhooks.labeled(repository, issue, by, label);
  }

  comment(repository: Repository, issue: Issue, author: Person, body: string): Comment {
    const comment = this.#newComment(author, body);
    issue.comments.push(comment);
    issue.updated_at = comment.created_at;
    this.webhooks.commented(repository, issue, comment);
    return comment;
  }

  async openPull(repository: Repository, author: Person, draft: PullDraft): Promise<PullIssue> {
    const { title, body, head, base } = draft;
    const issue = this.#addIssue(repository, author, { title, body, labels: [] });
    const none = {
      head_commit: '',
      base_commit: '',
      told_commit: '',
      mergeable: true,
      merged: false,
      reviews: [],
      comments: [],
    };
    const pull: PullIssue = Object.assign(issue, { pull: { head, base, draft: draft.draft, ...none } });
    pull.pull.told_commit = (await this.world.freshPull(repository, pull.pull)).head_commit;
    this.webhooks.pull(repository, pull, author, 'opened');
    return pull;
  }

  async editPull(repository: Repository, pull: PullIssue, patch: PullPatch, by: Person = pull.author): Promise<void> {
    const { draft, state } = patch;
    const before = { draft: pull.pull.draft, state: pull.state };
    pull.title = patch.title ?? pull.title;
    pull.body = patch.body ?? pull.body;
    pull.pull.draft = draft ?? pull.pull.draft;
    pull.state = state ?? pull.state;
    pull.updated_at = this.world.time();
    await this.world.freshPull(repository, pull.pull);
    if (state !== undefined && state !== before.state)
      this.webhooks.pull(repository, pull, by, state === 'closed' ? 'closed' : 'reopened');
    else if (draft !== undefined && draft !== before.draft)
      this.webhooks.pull(repository, pull, by, draft ? 'converted_to_draft' : 'ready_for_review');
    else this.webhooks.pull(repository, pull, by, 'edited');
  }

  /** Merges the head into the base, with git; returns the new commit. */
  async merge(repository: Repository, pull: PullIssue, by: Person, how: MergeMethod = 'merge'): Promise<string> {
    const commit = await mergeWithGit(this.world, repository, pull, how);
    Object.assign(pull, { state: 'closed', updated_at: this.world.time() });
    pull.pull.merged = true;
    pull.pull.draft = false;
    this.webhooks.pull(repository, pull, by, 'closed');
    return commit;
  }

  /** A person's review, with comments on lines. */
  async review(
    repository: Repository,
    pull: PullIssue,
    author: Person,
    { state, body = '', comments = [] }: { state: Review['state']; body?: string; comments?: LineComment[] },
  ): Promise<{ review: Review; comments: ReviewComment[] }> {
    const review = await this.#addReview(repository, pull, author, { state, body });
    const written = comments.map((comment) => this.#addReviewComment(pull, review, author, comment, null));
    this.webhooks.reviewed(repository, pull, review, written);
    return { review, comments: written };
  }

  async reply(
    repository: Repository,
    pull: PullIssue,
    to: ReviewComment,
    author: Person,
    body: string,
  ): Promise<ReviewComment> {
    const review = await this.#addReview(repository, pull, author, { state: 'COMMENTED', body: '' });
    const { path, line, diff_hunk } = to;
    const reply = this.#addReviewComment(pull, review, author, { path, line, diff_hunk, body }, to);
    this.webhooks.replied(repository, pull, review, reply);
    return reply;
  }

  /** A check run. With a log it is a job of GitHub Actions. It tells only when it is completed. */
  check(repository: Repository, commit: string, run: Pick<CheckRun, 'name'> & Partial<CheckRun>): CheckRun {
    const { id = this.world.id(), status = 'completed', conclusion = status === 'completed' ? 'success' : null } = run;
    const { log = null, at = this.world.time(), job_of = { workflow: 1, event: 'pull_request' } } = run;
    const check: CheckRun = { name: run.name, log, at, job_of, id, commit, status, conclusion };
    repository.checks.push(check);
    if (status === 'completed') this.webhooks.checked(repository, check);
    return check;
  }

  finishCheck(repository: Repository, check: CheckRun, conclusion: CheckRun['conclusion'], log = check.log): void {
    Object.assign(check, { status: 'completed', conclusion, log, at: this.world.time() });
    this.webhooks.checked(repository, check);
  }

  /** A commit status, as services outside of GitHub set it. */
  status(
    repository: Repository,
    commit: string,
    fields: Pick<Status, 'context' | 'state'> & { description?: string },
  ): void {
    const status: Status = { id: this.world.id(), description: null, at: this.world.time(), ...fields, commit };
    repository.statuses.push(status);
    this.webhooks.statusSet(repository, status);
  }

  async rename(repository: Repository, name: string, by: Person = repository.owner): Promise<void> {
    const from = repository.name;
    await this.world.rename(repository, { name });
    this.webhooks.repository(repository, by, 'renamed', from);
  }

  async transfer(repository: Repository, owner: Person, by: Person = repository.owner): Promise<void> {
    const from = repository.owner.login;
    await this.world.rename(repository, { owner });
    this.webhooks.repository(repository, by, 'transferred', from);
  }

  makePrivate(repository: Repository, by: Person = repository.owner): void {
    repository.private = true;
    this.webhooks.repository(repository, by, 'privatized');
  }

  async remove(repository: Repository, by: Person = repository.owner): Promise<void> {
    await this.world.remove(repository);
    this.webhooks.repository(repository, by, 'deleted');
  }

  /** After a push: open pull requests from a branch that moved say so, those from one that is gone are closed. */
  async pushed(repository: Repository, by: Person): Promise<void> {
    repository.pushed_at = this.world.time();
    for (const pull of repository.issues.filter(isPull).filter(({ state }) => state === 'open')) {
      const part = pull.pull;
      if ((await this.world.branch(repository, part.head)) === undefined)
        await this.editPull(repository, pull, { state: 'closed' }, by);
      const { head_commit } = await this.world.freshPull(repository, part);
      if (part.told_commit === head_commit) continue;
      part.told_commit = head_commit;
      this.webhooks.pull(repository, pull, by, 'synchronize');
    }
  }

  async deleteBranch(repository: Repository, branch: string, by: Person = repository.owner): Promise<void> {
    await git(this.world.folder(repository), 'update-ref', '-d', `refs/heads/${branch}`);
    await this.pushed(repository, by);
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
  async push(
    repository: Repository,
    branch: string,
    files: Record<string, string>,
    message = 'Change',
  ): Promise<string> {
    const { world } = this;
    const parent =
      (await world.branch(repository, branch)) ?? (await world.branch(repository, repository.default_branch));
    await importCommit(world.folder(repository), { branch, parent, message: `${message}\n`, files });
    const commit = await world.branch(repository, branch);
    assert(commit, 'the commit was imported');
    await this.pushed(repository, repository.owner);
    return commit;
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
      labelings: [],
      pull: null,
      ...times,
      ...texts,
    };
    for (const label of issue.labels) this.#noteLabel(issue, author, label);
    repository.issues.push(issue);
    return issue;
  }

  #noteLabel({ labelings }: Issue, by: Person, label: string): void {
    labelings.push({ id: this.world.id(), label, by, at: this.world.time() });
  }

  #newComment(author: Person, body: string): Comment {
    return { id: this.world.id(), author, body, created_at: this.world.time(), updated_at: this.world.time() };
  }

  async #addReview(
    repository: Repository,
    pull: PullIssue,
    author: Person,
    said: Pick<Review, 'state' | 'body'>,
  ): Promise<Review> {
    const { head_commit: commit } = await this.world.freshPull(repository, pull.pull);
    const review: Review = { ...said, id: this.world.id(), author, commit, submitted_at: this.world.time() };
    pull.pull.reviews.push(review);
    pull.updated_at = review.submitted_at;
    return review;
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
}
