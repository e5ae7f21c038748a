import { git } from '../../git-server.ts';
import { knowsConflicts } from '../knows-conflicts.ts';
import {
  atLeast,
  changedIssues,
  isPull,
  type Comment,
  type Issue,
  type PullPart,
  type Repository,
  type ReviewComment,
} from '../world.ts';
import { actor, issueOf, notFound, page, pullOf, Refusal, repositoryOf, type Call, type Handler } from './call.ts';

/** Issues, pull requests, reviews, and their comments. */
export const issues: Record<string, Handler> = {
  'GET /repos/{owner}/{repo}/issues': (call) => {
    const repository = repositoryOf(call);
    const { items, headers } = page(call, changedIssues(repository, call.query));
    const body = items.map((one) => call.gitea.render.issue(repository, one));
    return { status: 200, shape: 'Issue[]', body, headers };
  },
  'GET /repos/{owner}/{repo}/issues/{index}': (call) => {
    const repository = repositoryOf(call);
    return { status: 200, shape: 'Issue', body: call.gitea.render.issue(repository, issueOf(call, repository)) };
  },
  'GET /repos/{owner}/{repo}/issues/{index}/comments': (call) => {
    const repository = repositoryOf(call);
    const issue = issueOf(call, repository);
    const body = issue.comments.map((one) => call.gitea.render.comment(repository, issue, one));
    return { status: 200, shape: 'Comment[]', body };
  },
  'GET /repos/{owner}/{repo}/issues/{index}/timeline': (call) => {
    const repository = repositoryOf(call);
    const since = Date.parse(call.query.get('since') ?? '') || 0;
    const all = issueOf(call, repository).labelings.filter(({ at }) => Date.parse(at) >= since);
    const { items } = page(call, all);
    // It says null where nothing is there.
    if (items.length === 0) return { status: 200, body: null };
    const body = items.map((one) => call.gitea.render.labeling(one));
    return { status: 200, shape: 'TimelineComment[]', body };
  },
  'POST /repos/{owner}/{repo}/issues/{index}/comments': (call) => {
    const repository = repositoryOf(call);
    const issue = issueOf(call, repository);
    const comment = call.gitea.comment(repository, issue, actor(call), text(call, 'body'));
    return { status: 201, shape: 'Comment', body: call.gitea.render.comment(repository, issue, comment) };
  },
  'PATCH /repos/{owner}/{repo}/issues/comments/{id}': (call) => {
    const repository = repositoryOf(call);
    const [issue, comment] = commentOf(repository, call.params['id'] ?? '');
    if (comment.author !== actor(call)) repositoryOf(call, 'admin');
    comment.body = text(call, 'body');
    return { status: 200, shape: 'Comment', body: call.gitea.render.comment(repository, issue, comment) };
  },
  'GET /repos/{owner}/{repo}/pulls': async (call) => {
    const repository = repositoryOf(call);
    const state = call.query.get('state') ?? 'open';
    const all = repository.issues.filter(isPull).filter((one) => state === 'all' || one.state === state);
    const { items, headers } = page(call, all.toReversed());
    for (const { pull } of items) await call.gitea.world.freshPull(repository, pull);
    const body = items.map((one) => call.gitea.render.pull(repository, one));
    return { status: 200, shape: 'PullRequest[]', body, headers };
  },
  'POST /repos/{owner}/{repo}/pulls': async (call) => {
    const repository = repositoryOf(call);
    const { world, render } = call.gitea;
    const [head, base, title] = [text(call, 'head'), text(call, 'base'), text(call, 'title')];
    if ((await world.branch(repository, base)) === undefined || (await world.branch(repository, head)) === undefined)
      throw notFound();
    if (repository.issues.some((one) => one.state === 'open' && one.pull?.head === head && one.pull.base === base))
      throw new Refusal(409, `pull request already exists for these targets [head_branch: ${head}]`);
    const draft = { ...untitled(title), body: text(call, 'body'), head, base };
    const pull = await call.gitea.openPull(repository, actor(call), draft);
    return { status: 201, shape: 'PullRequest', body: render.pull(repository, pull) };
  },
  'GET /repos/{owner}/{repo}/pulls/{index}': async (call) => {
    const repository = repositoryOf(call);
    const pull = await pullOf(call, repository);
    const merge_base = await mergeBase(call, repository, pull.pull);
    const body = { ...call.gitea.render.pull(repository, pull), merge_base };
    // While Gitea still checks whether it can be merged, it says no.
    return {
      status: 200,
      shape: 'PullRequest',
      body: knowsConflicts(pull.pull) ? body : { ...body, mergeable: false },
    };
  },
  'PATCH /repos/{owner}/{repo}/pulls/{index}': async (call) => {
    const repository = repositoryOf(call);
    const pull = await pullOf(call, repository);
    if (pull.author !== actor(call)) repositoryOf(call, 'write');
    const { title, body, state } = call.body;
    await call.gitea.editPull(repository, pull, {
      ...(title !== undefined && untitled(text(call, 'title'))),
      ...(body !== undefined && { body: text(call, 'body') }),
      ...((state === 'open' || state === 'closed') && { state }),
    });
    return { status: 201, shape: 'PullRequest', body: call.gitea.render.pull(repository, pull) };
  },
};

function mergeBase({ gitea }: Call, repository: Repository, pull: PullPart): Promise<string> {
  return git(gitea.world.folder(repository), 'merge-base', pull.base_commit, pull.head_commit);
}

/** Gitea's words for what it refuses to merge are those of its routers/api/v1/repo/pull.go. */
const merges: Record<string, Handler> = {
  'POST /repos/{owner}/{repo}/pulls/{index}/merge': async (call) => {
    const repository = repositoryOf(call);
    const pull = await pullOf(call, repository);
    const { draft, mergeable, head_commit } = pull.pull;
    const { Do, head_commit_id } = call.body;
    if (!atLeast(call.gitea.apps.permission(call.token, repository), 'write'))
      throw new Refusal(405, 'User not allowed to merge PR');
    if (pull.state !== 'open') throw pull.pull.merged ? new Refusal(405, '') : notFound();
    if (draft) throw new Refusal(405, 'Work in progress PRs cannot be merged');
    if (!mergeable) throw new Refusal(405, 'Please try again later');
    const method = repository.merge_methods.find((one) => one === Do);
    if (!method) throw new Refusal(405, `${String(Do)} is not allowed an allowed merge style for this repository`);
    if (head_commit_id !== head_commit) throw new Refusal(409, 'head out of date');
    const merge_base = await mergeBase(call, repository, pull.pull);
    // The API does not know this error of its own server.
    if (method === 'fast-forward-only' && merge_base !== pull.pull.base_commit) throw new Refusal(500, '');
    await call.gitea.merge(repository, pull, actor(call), method);
    return { status: 200 };
  },
};

/** Reviews, and the calls that only newer versions have. */
export const reviews: Record<string, Handler> = {
  ...merges,
  'GET /repos/{owner}/{repo}/pulls/{index}/reviews': async (call) => {
    const repository = repositoryOf(call);
    const pull = await pullOf(call, repository);
    const { items } = page(call, pull.pull.reviews);
    // It has no link to its next page.
    const headers = { 'x-total-count': call.gitea.reviews_total ?? String(pull.pull.reviews.length) };
    const body = items.map((one) => call.gitea.render.review(repository, pull, one));
    return { status: 200, shape: 'PullReview[]', body, headers };
  },
  'POST /repos/{owner}/{repo}/pulls/{index}/reviews': async (call) => {
    const repository = repositoryOf(call);
    const pull = await pullOf(call, repository);
    if (call.body['event'] !== 'COMMENT') throw new Refusal(422, 'not a review that the stand-in knows');
    const comments = (call.body['comments'] as { path: string; body: string; new_position: number }[]).map(
      ({ path, body, new_position }) => ({ path, body, line: new_position }),
    );
    const { review } = await call.gitea.review(repository, pull, actor(call), { state: 'COMMENTED', comments });
    return { status: 200, shape: 'PullReview', body: call.gitea.render.review(repository, pull, review) };
  },
  'GET /repos/{owner}/{repo}/pulls/{index}/reviews/{id}/comments': async (call) => {
    const repository = repositoryOf(call);
    const pull = await pullOf(call, repository);
    const all = pull.pull.comments.filter(({ review_id }) => String(review_id) === call.params['id']);
    const body = all.map((one) => call.gitea.render.reviewComment(repository, pull, one));
    return { status: 200, shape: 'PullReviewComment[]', body };
  },
  'POST /repos/{owner}/{repo}/pulls/{index}/comments/{id}/replies': async (call) => {
    if (call.gitea.is_old) throw notFound();
    const repository = repositoryOf(call);
    const pull = await pullOf(call, repository);
    const to = pull.pull.comments.find(({ id }) => String(id) === call.params['id']);
    if (to === undefined) throw notFound();
    const reply = await call.gitea.reply(repository, pull, to, actor(call), text(call, 'body'));
    return { status: 201, shape: 'PullReviewComment', body: call.gitea.render.reviewComment(repository, pull, reply) };
  },
  'POST /repos/{owner}/{repo}/pulls/comments/{id}/resolve': (call) => {
    if (call.gitea.is_old) throw new Refusal(405, 'Method Not Allowed');
    const repository = repositoryOf(call, 'write');
    const [, comment] = commentOf(repository, call.params['id'] ?? '');
    if (!('resolved' in comment)) throw notFound();
    comment.resolved = true;
    return { status: 204 };
  },
};

function text({ body }: Call, field: string): string {
  const value = body[field];
  if (typeof value === 'string' && (value !== '' || field === 'body')) return value;
  throw new Refusal(422, `[]: ${field} is required`);
}

function untitled(title: string): { title: string; draft: boolean } {
  return { title: title.replace(/^WIP: /, ''), draft: title.startsWith('WIP: ') };
}

/** All comments have one row of ids. */
function commentOf(repository: Repository, id: string): [Issue, Comment | ReviewComment] {
  for (const issue of repository.issues) {
    const comment = [...issue.comments, ...(issue.pull?.comments ?? [])].find((one) => String(one.id) === id);
    if (comment !== undefined) return [issue, comment];
  }
  throw notFound();
}
