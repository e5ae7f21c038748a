import { z } from 'zod';
import { answerJob } from '../answer-job.ts';
import type { Access, ForgeComment, ForgePerson, RepositoryName, Thread } from '../forge.ts';
import { ForgeApiError } from '../forge-api-error.ts';
import { Id, Line } from '../forge-text.ts';
import { inPages } from '../in-pages.ts';
import { writeComment } from '../issue-comment.ts';
import { pathOf, type Listed, type RestApi } from '../rest-api.ts';
import { reviewTextId } from '../review-text.ts';
import { findRepository } from './repositories.ts';
import { commentPath, Issue, ISSUE_COMMENT, IssueComment, ReviewComment, ReviewText, User } from './schemas.ts';

const PAGE_ITEMS = 100;

const HERE = 'coordinator/forge/github/threads.ts';
export const ISSUE = answerJob(HERE, 'ISSUE', Issue);
export const COMMENTS = answerJob(HERE, 'COMMENTS', z.array(IssueComment).max(PAGE_ITEMS));
export const REVIEW_COMMENT = answerJob(HERE, 'REVIEW_COMMENT', ReviewComment);
export const REVIEW_COMMENTS = answerJob(HERE, 'REVIEW_COMMENTS', z.array(ReviewComment).max(PAGE_ITEMS));
export const REVIEW_TEXTS = answerJob(HERE, 'REVIEW_TEXTS', z.array(ReviewText).max(PAGE_ITEMS));

/** An issue or pull request with its newest comments, oldest first. */
export async function readThread(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  number: number,
  comments_max: number,
): Promise<Thread> {
  const {
    comment_count,
    updated_at: _updated_at,
    repository_url,
    ...issue
  } = await api.call(access, { path: pathOf('repos', owner, name, 'issues', number) }, ISSUE);
  // GitHub leads to the repository that it was transferred to.
  if (issue.number !== number || !(await isAt(api, access, { owner, name }, repository_url)))
    throw new ForgeApiError('not_found', `The issue ${number} of ${owner}/${name} is in another repository now.`);
  const path = pathOf('repos', owner, name, 'issues', number, 'comments');
  const talk = await inPages(PAGE_ITEMS, (page_items) =>
    newestComments(api, access, path, { count: comment_count, comments_max, page_items }),
  );
  const root = pathOf('repos', owner, name, 'pulls', number);
  const reviews = issue.is_pull
    ? await inPages(PAGE_ITEMS, (page_items) => readReviews(api, access, root, { comments_max, page_items }))
    : NONE;
  const all = [...talk.items, ...reviews.items].sort((one, other) => one.created_at.localeCompare(other.created_at));
  const cut = talk.cut || reviews.cut || all.length > comments_max;
  return { ...issue, comments: all.slice(-comments_max), cut };
}

/** Whether a repository, which may have another name now, has this address in the API. */
async function isAt(api: RestApi, access: Access, repository: RepositoryName, address: string): Promise<boolean> {
  const isOf = ({ owner, name }: RepositoryName) =>
    address.toLowerCase().endsWith(`/repos/${owner}/${name}`.toLowerCase());
  return isOf(repository) || isOf(await findRepository(api, access, repository));
}

type Paging = { comments_max: number; page_items: number };

/**
 * GitHub lists comments oldest first: the last pages are read, and the one that may have begun since they were counted.
 */
async function newestComments(
  api: RestApi,
  access: Access,
  path: string,
  { count, comments_max, page_items }: Paging & { count: number },
): Promise<Listed<ForgeComment>> {
  let items: ForgeComment[] = [];
  const last = Math.max(0, Math.floor(count / page_items)) + 1;
  const first = Math.max(1, last - Math.ceil(comments_max / page_items));
  for (let page = last; page >= first && items.length < comments_max; page--) {
    const query = { per_page: page_items, page };
    items = [...(await api.call(access, { path, query }, COMMENTS)), ...items];
  }
  return { items: items.slice(-comments_max), cut: count > comments_max };
}

const NONE: Listed<ForgeComment> = { items: [], cut: false };

/** What reviews say of lines, and as a whole. */
async function readReviews(
  api: RestApi,
  access: Access,
  root: string,
  { comments_max, page_items }: Paging,
): Promise<Listed<ForgeComment>> {
  const lines = await api.list(
    access,
    { path: `${root}/comments`, query: { per_page: page_items, sort: 'created', direction: 'desc' } },
    {
      page: REVIEW_COMMENTS,
      entries: (page) => page,
      enough: (found) => found.length >= comments_max,
    },
  );
  const texts = await api.list(
    access,
    { path: `${root}/reviews`, query: { per_page: page_items } },
    {
      page: REVIEW_TEXTS,
      entries: (page) => page,
    },
  );
  const said = texts.items.filter(({ body }) => body !== '');
  return { items: [...asSubmitted(lines.items.toReversed(), texts.items), ...said], cut: lines.cut || texts.cut };
}

/** GitHub dates a comment on lines as it was drafted: nobody else could read it before its review was submitted. */
function asSubmitted(lines: ForgeComment[], texts: ForgeComment[]): ForgeComment[] {
  const submitted = new Map(texts.map(({ id, created_at }) => [id, created_at]));
  return lines.map((comment) => {
    const at = submitted.get(reviewTextId(comment.review?.review_id ?? '')) ?? '';
    return at > comment.created_at ? { ...comment, created_at: at } : comment;
  });
}

export async function editComment(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  id: string,
  body: string,
): Promise<void> {
  await api.send(access, { method: 'PATCH', path: pathOf('repos', owner, name, ...commentPath(id)), body: { body } });
}

/** Answers in the thread of a comment; one that is on no lines is answered in the conversation. */
export async function replyTo(
  api: RestApi,
  access: Access,
  repository: RepositoryName,
  number: number,
  to: ForgeComment,
  body: string,
): Promise<ForgeComment> {
  const { owner, name } = repository;
  if (to.review === null) return writeComment(ISSUE_COMMENT, api, access, repository, number, body);
  const path = pathOf('repos', owner, name, 'pulls', number, 'comments', to.review.thread_id, 'replies');
  return api.call(access, { method: 'POST', path, body: { body } }, REVIEW_COMMENT);
}

const IssueEvent = z.object({
  created_at: z.string(),
  id: Id,
  event: z.string(),
  actor: User.optional(),
  label: z.object({ name: Line }).nullish(),
});
export const ISSUE_EVENTS = answerJob(HERE, 'ISSUE_EVENTS', z.array(IssueEvent).max(PAGE_ITEMS));

/** Who has put a label on an issue last, by the issue's events, which GitHub lists oldest first. */
export async function labeledBy(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  number: number,
  label: string,
): Promise<{ id: string; person: ForgePerson; at: string } | undefined> {
  const path = pathOf('repos', owner, name, 'issues', number, 'events');
  const { items } = await api.list(
    access,
    { path, query: { per_page: PAGE_ITEMS } },
    { page: ISSUE_EVENTS, entries: (page) => page },
  );
  const last = items.findLast(
    (one) => one.event === 'labeled' && one.label?.name.toLowerCase() === label.toLowerCase(),
  );
  return last?.actor && { id: last.id, person: last.actor, at: last.created_at };
}
