import { actor, invalid, notFound, ok, page, pullOf, Refusal, repositoryOf, type Handlers } from '../call.ts';
import { knowsConflicts } from '../../knows-conflicts.ts';
import { atLeast, isPull } from '../../world.ts';

/** Pull requests, their reviews and the comments on their lines. */
export const pulls: Handlers = {
  'GET /repos/{owner}/{repo}/pulls': async (call) => {
    const repository = repositoryOf(call);
    const { world, render } = call.github;
    const state = call.query.get('state') ?? 'open';
    const head = call.query.get('head');
    const all = repository.issues
      .filter(isPull)
      .filter((one) => state === 'all' || one.state === state)
      .filter(({ pull }) => head === null || head === `${repository.owner.login}:${pull.head}`)
      .toReversed();
    const { items, headers } = page(call, all);
    for (const { pull } of items) await world.freshPull(repository, pull);
    return ok(
      items.map((one) => render.pull(repository, one, 'pull-request-simple')),
      headers,
    );
  },
  'POST /repos/{owner}/{repo}/pulls': async (call) => {
    const repository = repositoryOf(call);
    const { title, body, head, base, draft } = call.body;
    const branch = String(head).replace(`${repository.owner.login}:`, '');
    const { world, render } = call.github;
    if ((await world.branch(repository, String(base))) === undefined) throw invalid('PullRequest', 'base');
    if ((await world.branch(repository, branch)) === undefined) throw invalid('PullRequest', 'head');
    if ((await world.countAhead(repository, String(base), branch)) === 0)
      throw invalid('PullRequest', '', `No commits between ${String(base)} and ${branch}`);
    if (repository.issues.some((one) => one.state === 'open' && one.pull?.head === branch && one.pull.base === base))
      throw invalid('PullRequest', '', `A pull request already exists for ${repository.owner.login}:${branch}.`);
    const texts = { title: text(title), body: text(body), base: text(base) };
    const opened = await call.github.openPull(repository, actor(call), {
      ...texts,
      head: branch,
      draft: draft === true,
    });
    return { status: 201, body: render.pull(repository, opened) };
  },
  'GET /repos/{owner}/{repo}/pulls/{pull_number}': async (call) => {
    const repository = repositoryOf(call);
    const pull = await pullOf(call, repository);
    const body = call.github.render.pull(repository, pull);
    return ok(knowsConflicts(pull.pull) ? body : { ...body, mergeable: null, mergeable_state: 'unknown' });
  },
  'PATCH /repos/{owner}/{repo}/pulls/{pull_number}': async (call) => {
    const repository = repositoryOf(call);
    const pull = await pullOf(call, repository);
    if (pull.author !== actor(call)) repositoryOf(call, 'write');
    const { title, body, state } = call.body;
    if (state === 'open' && pull.pull.merged) throw invalid('PullRequest', 'state');
    await call.github.editPull(repository, pull, {
      ...(title !== undefined && { title: text(title) }),
      ...(body !== undefined && { body: text(body) }),
      ...((state === 'open' || state === 'closed') && { state }),
    });
    return ok(call.github.render.pull(repository, pull));
  },
  'PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge': async (call) => {
    const repository = repositoryOf(call, 'write');
    const pull = await pullOf(call, repository);
    const { draft, mergeable, head_commit } = pull.pull;
    const { sha: expected = head_commit, merge_method = 'merge' } = call.body;
    if (pull.state !== 'open' || draft || !mergeable) throw new Refusal(405, 'Pull Request is not mergeable');
    if (expected !== head_commit) throw new Refusal(409, 'Head branch was modified. Review and try the merge again.');
    const method = repository.merge_methods.find((one) => one === merge_method);
    if (!method) throw new Refusal(405, `${METHODS[text(merge_method)]} are not allowed on this repository.`);
    const may_pass = atLeast(call.github.apps.permission(call.token, repository), 'admin');
    const [broken] = [...repository.requires].flatMap((rule) => REFUSALS.get(rule) ?? []);
    if (broken !== undefined && !may_pass) throw new Refusal(405, broken);
    const sha = await call.github.merge(repository, pull, actor(call), method);
    return ok({ sha, merged: true, message: 'Pull Request successfully merged' });
  },
  'GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews': async (call) => {
    const repository = repositoryOf(call);
    const pull = await pullOf(call, repository);
    const { items, headers } = page(call, pull.pull.reviews);
    return ok(
      items.map((one) => call.github.render.review(repository, pull, one)),
      headers,
    );
  },
  'GET /repos/{owner}/{repo}/pulls/{pull_number}/comments': async (call) => {
    const repository = repositoryOf(call);
    const pull = await pullOf(call, repository);
    const newest_first = call.query.get('sort') === 'created' && call.query.get('direction') === 'desc';
    const { comments } = pull.pull;
    const { items, headers } = page(call, newest_first ? comments.toReversed() : comments);
    return ok(
      items.map((one) => call.github.render.reviewComment(repository, pull, one)),
      headers,
    );
  },
  'POST /repos/{owner}/{repo}/pulls/{pull_number}/comments/{comment_id}/replies': async (call) => {
    const repository = repositoryOf(call);
    const pull = await pullOf(call, repository);
    const to = pull.pull.comments.find(({ id }) => String(id) === call.params['comment_id']);
    // Replies to replies are not supported.
    if (to === undefined || to.in_reply_to !== null) throw notFound();
    const reply = await call.github.reply(repository, pull, to, actor(call), String(call.body['body']));
    return { status: 201, body: call.github.render.reviewComment(repository, pull, reply) };
  },
  'PATCH /repos/{owner}/{repo}/pulls/comments/{comment_id}': (call) => {
    const repository = repositoryOf(call);
    for (const issue of repository.issues.filter(isPull)) {
      const comment = issue.pull.comments.find(({ id }) => String(id) === call.params['comment_id']);
      if (comment === undefined) continue;
      if (comment.author !== actor(call)) throw new Refusal(403, 'Must be the author of the comment.');
      comment.body = String(call.body['body']);
      return ok(call.github.render.reviewComment(repository, issue, comment));
    }
    throw notFound();
  },
};

/** What GitHub says to those who may not pass a rule. */
const REFUSALS = new Map<string, string>([
  ['queue', 'Repository rule violations found\n\nChanges must be made through the merge queue'],
  ['review', 'At least 1 approving review is required by reviewers with write access.'],
  ['checks', 'Required status check "test" is expected.'],
  ['conversation', 'A conversation must be resolved before this pull request can be merged.'],
]);

const METHODS: Record<string, string> = { merge: 'Merge commits', squash: 'Squash merges', rebase: 'Rebase merges' };

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
