import type { App } from '../apps.ts';
import type {
  CheckRun,
  Comment,
  Issue,
  Labeling,
  PullIssue,
  Repository,
  Review,
  ReviewComment,
  Status,
} from '../world.ts';
import { node, RenderBase } from './render-base.ts';
import { fill, type Json } from './shapes.ts';

/** Writes issues, pull requests and what is said and checked there as GitHub's API does. */
export class Render extends RenderBase {
  comment(repository: Repository, { number }: Issue, comment: Comment): Json {
    const { id, body, author, created_at, updated_at } = comment;
    return fill('issue-comment', {
      id,
      node_id: node('IC', id),
      body,
      user: this.user(author),
      author_association: this.association(author, repository),
      created_at,
      updated_at,
      url: `${this.repositoryUrl(repository)}/issues/comments/${id}`,
      html_url: `${this.page(repository)}/issues/${number}#issuecomment-${id}`,
      issue_url: `${this.repositoryUrl(repository)}/issues/${number}`,
      reactions: this.reactions(),
    });
  }

  labeling(repository: Repository, { id, label, by, at }: Labeling): Json {
    return fill('labeled-issue-event', {
      id,
      node_id: node('LE', id),
      url: `${this.repositoryUrl(repository)}/issues/events/${id}`,
      actor: this.user(by),
      event: 'labeled',
      commit_id: null,
      commit_url: null,
      created_at: at,
      performed_via_github_app: null,
      label: { name: label, color: 'ededed' },
    });
  }

  reviewComment(repository: Repository, { number }: Issue, comment: ReviewComment): Json {
    const { id, body, author, path, line, start_line, diff_hunk, commit, review_id, in_reply_to } = comment;
    const pull_url = `${this.repositoryUrl(repository)}/pulls/${number}`;
    const html_url = `${this.page(repository)}/pull/${number}#discussion_r${id}`;
    const url = `${this.repositoryUrl(repository)}/pulls/comments/${id}`;
    return fill('pull-request-review-comment', {
      id,
      node_id: node('PRRC', id),
      body,
      user: this.user(author),
      author_association: this.association(author, repository),
      path,
      line,
      start_line,
      original_line: line ?? 1,
      original_start_line: start_line,
      start_side: start_line === null ? null : 'RIGHT',
      side: 'RIGHT',
      subject_type: line === null ? 'file' : 'line',
      position: line,
      original_position: line ?? 1,
      diff_hunk,
      commit_id: commit,
      original_commit_id: commit,
      pull_request_review_id: review_id,
      ...(in_reply_to && { in_reply_to_id: in_reply_to.id }),
      created_at: comment.created_at,
      updated_at: comment.updated_at,
      url,
      html_url,
      pull_request_url: pull_url,
      _links: { self: { href: url }, html: { href: html_url }, pull_request: { href: pull_url } },
      reactions: this.reactions(),
    });
  }

  review(repository: Repository, { number }: Issue, review: Review): Json {
    const { id, author, state, body, commit, submitted_at } = review;
    const html_url = `${this.page(repository)}/pull/${number}#pullrequestreview-${id}`;
    const pull_request_url = `${this.repositoryUrl(repository)}/pulls/${number}`;
    return fill('pull-request-review', {
      id,
      node_id: node('PRR', id),
      user: this.user(author),
      author_association: this.association(author, repository),
      state,
      body,
      commit_id: commit,
      submitted_at,
      html_url,
      pull_request_url,
      _links: { html: { href: html_url }, pull_request: { href: pull_request_url } },
    });
  }

  issue(repository: Repository, issue: Issue): Json {
    const { id, number, title, body, author, state, created_at, updated_at, pull } = issue;
    const url = `${this.repositoryUrl(repository)}/issues/${number}`;
    const pull_url = `${this.repositoryUrl(repository)}/pulls/${number}`;
    const html_url = `${this.page(repository)}/${pull ? 'pull' : 'issues'}/${number}`;
    return fill('issue', {
      id,
      node_id: node('I', id),
      number,
      title,
      body,
      state,
      user: this.user(author),
      labels: this.labels(repository, issue),
      author_association: this.association(author, repository),
      comments: issue.comments.length,
      created_at,
      updated_at,
      url,
      html_url,
      repository_url: this.repositoryUrl(repository),
      comments_url: `${url}/comments`,
      events_url: `${url}/events`,
      labels_url: `${url}/labels{/name}`,
      reactions: this.reactions(),
      ...(pull && {
        pull_request: { url: pull_url, html_url, diff_url: `${html_url}.diff`, patch_url: `${html_url}.patch` },
      }),
    });
  }

  /** `schema`: lists have a shorter form. The repository's own branch is the head. */
  pull(repository: Repository, issue: PullIssue, schema = 'pull-request'): Json {
    const { id, number, title, body, author, state, pull, created_at, updated_at } = issue;
    const url = `${this.repositoryUrl(repository)}/pulls/${number}`;
    const html_url = `${this.page(repository)}/pull/${number}`;
    const side = (ref: string, sha: string) => ({
      label: `${repository.owner.login}:${ref}`,
      ref,
      sha,
      user: this.user(repository.owner),
      repo: this.repository(repository, 'read'),
    });
    const addresses = { url, html_url, diff_url: `${html_url}.diff`, patch_url: `${html_url}.patch` };
    const whole = {
      merged: pull.merged,
      mergeable: pull.mergeable,
      mergeable_state: !pull.mergeable ? 'dirty' : isBlocked(repository) ? 'blocked' : 'clean',
      merged_by: null,
    };
    return fill(schema, {
      id,
      node_id: node('PR', number, repository.id),
      number,
      title,
      body,
      state,
      draft: pull.draft,
      user: this.user(author),
      labels: this.labels(repository, issue),
      author_association: this.association(author, repository),
      created_at,
      updated_at,
      closed_at: state === 'closed' ? updated_at : null,
      merged_at: pull.merged ? updated_at : null,
      ...addresses,
      issue_url: `${this.repositoryUrl(repository)}/issues/${number}`,
      head: side(pull.head, pull.head_commit),
      base: side(pull.base, pull.base_commit),
      _links: Object.fromEntries(
        ['comments', 'commits', 'statuses', 'html', 'issue', 'review_comments', 'review_comment', 'self'].map(
          (link) => [link, { href: url }],
        ),
      ),
      ...(schema === 'pull-request' && whole),
    });
  }

  check(repository: Repository, check: CheckRun, app: App): Json {
    const { id, name, commit, status, conclusion, at, log } = check;
    return fill('check-run', {
      id,
      node_id: node('CR', id),
      name,
      head_sha: commit,
      status,
      conclusion,
      started_at: at,
      completed_at: status === 'completed' ? at : null,
      external_id: '',
      url: `${this.repositoryUrl(repository)}/check-runs/${id}`,
      html_url: `${this.page(repository)}/actions/runs/1/job/${id}`,
      // Only jobs of GitHub Actions have a log.
      details_url: log === null ? 'https://ci.example/build/1' : `${this.page(repository)}/actions/runs/1/job/${id}`,
      check_suite: { id },
      app: this.app(app, log === null ? app.slug : 'github-actions'),
      pull_requests: [],
      output: {
        title: null,
        summary: null,
        text: null,
        annotations_count: 0,
        annotations_url: this.repositoryUrl(repository),
      },
    });
  }

  /** Each job is the only one of its run, and each run has a suite of its own. */
  job(repository: Repository, { id, name, commit, status, conclusion, at }: CheckRun): Json {
    const html_url = `${this.page(repository)}/actions/runs/${id}/job/${id}`;
    return fill('job', { id, run_id: id, name, head_sha: commit, status, conclusion, started_at: at, html_url });
  }

  status(repository: Repository, { id, context, state, description, at }: Status): Json {
    return fill('simple-commit-status', {
      id,
      node_id: node('SC', id),
      context,
      state,
      description,
      target_url: `${this.page(repository)}/status/${id}`,
      gravatar_id: '',
      avatar_url: null,
      url: `${this.repositoryUrl(repository)}/statuses/${id}`,
      created_at: at,
      updated_at: at,
    });
  }
}

/** A merge queue alone blocks nothing. */
function isBlocked({ requires }: Repository): boolean {
  return [...requires].some((each) => each !== 'queue');
}
