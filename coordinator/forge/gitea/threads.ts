import { z } from 'zod';
import { answerJob } from '../answer-job.ts';
import type { Access, ForgeComment, ForgePerson, RepositoryName, Thread } from '../forge.ts';
import { Id, Line, Text, WebAddress } from '../forge-text.ts';
import { ForgeApiError, undefinedIf } from '../forge-api-error.ts';
import { writeComment } from '../issue-comment.ts';
import { pathOf, type RestApi } from '../rest-api.ts';
import { reviewTextId } from '../review-text.ts';
import { listNewest } from './list-newest.ts';
import { Issue, ISSUE_COMMENT, IssueComment, ReviewComment, User } from './schemas.ts';

const HERE = 'coordinator/forge/gitea/threads.ts';
export const ISSUE = answerJob(HERE, 'ISSUE', Issue);
export const COMMENTS = answerJob(HERE, 'COMMENTS', z.array(IssueComment));
export const REVIEW_COMMENT = answerJob(HERE, 'REVIEW_COMMENT', ReviewComment);
export const REVIEW_COMMENTS = answerJob(HERE, 'REVIEW_COMMENTS', z.array(ReviewComment));
export const WRITTEN = answerJob(HERE, 'WRITTEN', z.array(ReviewComment).min(1));
export const CREATED = answerJob(HERE, 'CREATED', z.object({ id: Id }));

/** A review: what it says as a whole, and how many comments on lines it has. */
const Review = z
  .object({ id: Id, comments_count: z.int(), user: User, body: Text, submitted_at: z.string(), html_url: WebAddress })
  .transform(({ id, comments_count, user, submitted_at, html_url, body }) => {
    const text: ForgeComment = {
      id: reviewTextId(id),
      author: user,
      body,
      created_at: submitted_at,
      url: html_url,
      review: null,
    };
    return { id, comments_count, text };
  });
export const REVIEWS = answerJob(HERE, 'REVIEWS', z.array(Review));
/** The newest reviews whose comments are read: each takes a call. */
const REVIEWS_MAX = 30;

/** An issue or pull request with its newest comments, oldest first. */
export async function readThread(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  number: number,
  comments_max: number,
): Promise<Thread> {
  const path = pathOf('repos', owner, name, 'issues', number);
  const { updated_at: _updated_at, ...issue } = await api.call(access, { path }, ISSUE);
  // Gitea lists all comments of an issue at once.
  const talk = await api.call(access, { path: `${path}/comments` }, COMMENTS);
  const lines = issue.is_pull ? await readReviews(api, access, { owner, name }, number) : { items: [], cut: false };
  const all = [...talk, ...lines.items].sort((one, other) => one.created_at.localeCompare(other.created_at));
  return { ...issue, comments: all.slice(-comments_max), cut: lines.cut || all.length > comments_max };
}

/** What reviews say as a whole, and of lines: the newest of them, in their threads. */
async function readReviews(api: RestApi, access: Access, { owner, name }: RepositoryName, number: number) {
  const path = pathOf('repos', owner, name, 'pulls', number, 'reviews');
  const reviews = await listNewest(api, access, { path, query: { limit: 50 } }, REVIEWS);
  const with_comments = reviews.items.filter(({ comments_count }) => comments_count > 0);
  const items: ForgeComment[] = [];
  for (const { id } of with_comments.slice(-REVIEWS_MAX))
    items.push(...(await api.call(access, { path: `${path}/${id}/comments` }, REVIEW_COMMENTS)));
  const texts = reviews.items.map(({ text }) => text).filter(({ body }) => body !== '');
  return { items: [...inThreads(items), ...texts], cut: reviews.cut || with_comments.length > REVIEWS_MAX };
}

/** Comments on the same line of the same file are one thread, named after its first comment. */
function inThreads(comments: ForgeComment[]): ForgeComment[] {
  const threads = new Map<string, string>();
  const sorted = comments.toSorted((one, other) => Number(one.id) - Number(other.id));
  return sorted.map((comment) => {
    const { review } = comment;
    if (review === null || review.line === null) return comment;
    const place = `${review.line} ${review.path}`;
    const thread_id = threads.get(place) ?? comment.id;
    threads.set(place, thread_id);
    return { ...comment, review: { ...review, thread_id } };
  });
}

/** An entry of an issue's timeline. That of a label has the text 1 if it was added. */
const Entry = z.object({
  id: Id,
  type: z.string(),
  created_at: z.string(),
  user: User,
  body: Text,
  label: z.object({ name: Line }).nullish(),
});
/** Null: none of this page are shown. */
export const ENTRIES = answerJob(HERE, 'ENTRIES', z.array(Entry).nullable());
const PAGE_ENTRIES = 50;
/** Gitea takes a page and then leaves out comments on lines, and what the token is not shown: it may be empty. */
const EMPTY_PAGES = 2;

/** Who has put a label on an issue last, by the entries of its timeline since then, which come oldest first. */
export async function labeledBy(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  number: number,
  label: string,
  since: string | null,
): Promise<{ id: string; person: ForgePerson; at: string } | undefined> {
  const path = pathOf('repos', owner, name, 'issues', number, 'timeline');
  const query = { limit: PAGE_ENTRIES, ...(since !== null && { since }) };
  const { items } = await api.list(
    access,
    { path, query },
    { page: ENTRIES, entries: (page) => page ?? [], empty_pages: EMPTY_PAGES },
  );
  const last = items.findLast(
    (one) => one.type === 'label' && one.body === '1' && one.label?.name.toLowerCase() === label.toLowerCase(),
  );
  return last && { id: last.id, person: last.user, at: last.created_at };
}

/** Comments on lines are edited in the same place as others. */
export async function editComment(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  id: string,
  body: string,
): Promise<void> {
  await api.send(access, {
    method: 'PATCH',
    path: pathOf('repos', owner, name, 'issues', 'comments', id),
    body: { body },
  });
}

/**
 * Answers in the thread of a comment. Where Gitea has no call for that, a review of one comment on the same line joins
 * the thread; where there is no line any more, the answer goes to the conversation.
 */
export async function replyTo(
  api: RestApi,
  access: Access,
  repository: RepositoryName,
  number: number,
  to: ForgeComment,
  body: string,
): Promise<ForgeComment> {
  const { owner, name } = repository;
  const { review } = to;
  if (review === null) return writeComment(ISSUE_COMMENT, api, access, repository, number, body);
  const root = pathOf('repos', owner, name, 'pulls', number);
  const call = {
    method: 'POST' as const,
    path: `${root}${pathOf('comments', review.thread_id, 'replies')}`,
    body: { body },
  };
  const reply = await api.call(access, call, REVIEW_COMMENT).catch(undefinedIf(isUnknownCall));
  if (reply !== undefined) return inThread(reply, review.thread_id);
  if (review.line === null) return writeComment(ISSUE_COMMENT, api, access, repository, number, body);
  const comments = [{ path: review.path, body, new_position: review.line }];
  const created = await api.call(
    access,
    { method: 'POST', path: `${root}/reviews`, body: { event: 'COMMENT', comments } },
    CREATED,
  );
  const written = await api.call(access, { path: `${root}/reviews/${created.id}/comments` }, WRITTEN);
  return inThread(written.at(-1) ?? to, review.thread_id);
}

/** Resolves a thread. Forgejo, and Gitea before 1.26, have no call for that: then nothing happens. */
export async function resolve(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  thread_id: string,
): Promise<void> {
  const path = pathOf('repos', owner, name, 'pulls', 'comments', thread_id, 'resolve');
  await api.send(access, { method: 'POST', path }).catch(undefinedIf(isUnknownCall));
}

function inThread(comment: ForgeComment, thread_id: string): ForgeComment {
  return comment.review === null ? comment : { ...comment, review: { ...comment.review, thread_id } };
}

/** Whether this version of the forge does not know the call. */
function isUnknownCall(error: unknown): boolean {
  return error instanceof ForgeApiError && (error.fault === 'not_found' || / answered 405/.test(error.message));
}
