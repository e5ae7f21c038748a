import { actor, issueOf, notFound, ok, page, Refusal, repositoryOf, type Call, type Handlers } from '../call.ts';
import { changedIssues, type Comment, type Issue, type Repository } from '../../world.ts';

/** Issues and their comments; pull requests are issues too. */
export const issues: Handlers = {
  'GET /repos/{owner}/{repo}/issues': (call) => {
    const repository = repositoryOf(call);
    const { items, headers } = page(call, changedIssues(repository, call.query));
    return ok(
      items.map((one) => call.github.render.issue(repository, one)),
      headers,
    );
  },
  'GET /repos/{owner}/{repo}/issues/{issue_number}': (call) => {
    const repository = repositoryOf(call);
    return ok(call.github.render.issue(repository, issueOf(call, repository)));
  },
  'GET /repos/{owner}/{repo}/issues/{issue_number}/comments': (call) => {
    const repository = repositoryOf(call);
    const issue = issueOf(call, repository);
    const { items, headers } = page(call, issue.comments);
    return ok(
      items.map((one) => call.github.render.comment(repository, issue, one)),
      headers,
    );
  },
  'GET /repos/{owner}/{repo}/issues/{issue_number}/events': (call) => {
    const repository = repositoryOf(call);
    const issue = issueOf(call, repository);
    const { items, headers } = page(call, issue.labelings);
    return ok(
      items.map((one) => call.github.render.labeling(repository, one)),
      headers,
    );
  },
  'POST /repos/{owner}/{repo}/issues/{issue_number}/comments': (call) => {
    const repository = repositoryOf(call);
    const issue = issueOf(call, repository);
    const comment = call.github.comment(repository, issue, actor(call), String(call.body['body']));
    return { status: 201, body: call.github.render.comment(repository, issue, comment) };
  },
  'GET /repos/{owner}/{repo}/issues/comments/{comment_id}': (call) => {
    const { repository, issue, comment } = commentOf(call);
    return ok(call.github.render.comment(repository, issue, comment));
  },
  'PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}': (call) => {
    const { repository, issue, comment } = commentOf(call);
    if (comment.author !== actor(call)) throw new Refusal(403, 'Must be the author of the comment.');
    comment.body = String(call.body['body']);
    comment.updated_at = call.github.world.time();
    return ok(call.github.render.comment(repository, issue, comment));
  },
};

function commentOf(call: Call): { repository: Repository; issue: Issue; comment: Comment } {
  const repository = repositoryOf(call);
  for (const issue of repository.issues) {
    const comment = issue.comments.find(({ id }) => String(id) === call.params['comment_id']);
    if (comment !== undefined) return { repository, issue, comment };
  }
  throw notFound();
}
