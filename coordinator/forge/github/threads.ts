import { z } from 'zod';
import type { Access, ForgeComment, ForgePerson, RepositoryName, Thread } from '../forge.ts';
import { Id, Line } from '../forge-text.ts';
import { pathOf, type Listed, type RestApi } from '../rest-api.ts';
import { commentPath, Issue, IssueComment, ReviewComment, ReviewText, User } from './schemas.ts';

const PAGE_ITEMS = 100;

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
    created_at: _created_at,
    updated_at: _updated_at,
    ...issue
  } = await api.call(access, { path: pathOf('repos', owner, name, 'issues', number) }, Issue);
  const path = pathOf('repos', owner, name, 'issues', number, 'comments');
  const talk = await newestComments(api, access, path, comment_count, comments_max);
  const reviews = issue.is_pull ? await readReviews(api, access, { owner, name }, number, comments_max) : NONE;
  const all = [...talk.items, ...reviews.items].sort((one, other) => one.created_at.localeCompare(other.created_at));
  const cut = talk.cut || reviews.cut || all.length > comments_max;
  return { ...issue, comments: all.slice(-comments_max), cut };
}

/** GitHub lists comments oldest first: the last pages are read, and the one that may have begun since they were counted. */
async function newestComments(api: RestApi, access: Access, path: string, count: number, comments_max: number) {
  let items: ForgeComment[] = [];
  const last = Math.max(0, Math.floor(count / PAGE_ITEMS)) + 1;
  const first = Math.max(1, last - Math.ceil(comments_max / PAGE_ITEMS));
  for (let page = last; page >= first && items.length < comments_max; page--) {
    const query = { per_page: PAGE_ITEMS, page };
    items = [...(await api.call(access, { path, query }, z.array(IssueComment).max(PAGE_ITEMS))), ...items];
  }
  return { items: items.slice(-comments_max), cut: count > comments_max };
}

const NONE: Listed<ForgeComment> = { items: [], cut: false };

/** What reviews say of lines, newest first, and as a whole. */
async function readReviews(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  number: number,
  comments_max: number,
): Promise<Listed<ForgeComment>> {
  const root = pathOf('repos', owner, name, 'pulls', number);
  const lines = await api.list(
    access,
    { path: `${root}/comments`, query: { per_page: PAGE_ITEMS, sort: 'created', direction: 'desc' } },
    {
      schema: z.array(ReviewComment).max(PAGE_ITEMS),
      entries: (page) => page,
      enough: (found) => found.length >= comments_max,
    },
  );
  const texts = await api.list(
    access,
    { path: `${root}/reviews`, query: { per_page: PAGE_ITEMS } },
    {
      schema: z.array(ReviewText).max(PAGE_ITEMS),
      entries: (page) => page.filter(({ body }) => body !== ''),
      enough: () => false,
    },
  );
  return { items: [...lines.items, ...texts.items], cut: lines.cut || texts.cut };
}

export async function writeComment(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  number: number,
  body: string,
) {
  const path = pathOf('repos', owner, name, 'issues', number, 'comments');
  return api.call(access, { method: 'POST', path, body: { body } }, IssueComment);
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
  if (to.review === null) return writeComment(api, access, repository, number, body);
  const path = pathOf('repos', owner, name, 'pulls', number, 'comments', to.review.thread_id, 'replies');
  return api.call(access, { method: 'POST', path, body: { body } }, ReviewComment);
}

const IssueEvent = z.object({
  id: Id,
  event: z.string(),
  actor: User.optional(),
  label: z.object({ name: Line }).nullish(),
});

/** Who has put a label on an issue last, by the issue's events, which GitHub lists oldest first. */
export async function labeledBy(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  number: number,
  label: string,
): Promise<{ id: string; person: ForgePerson } | undefined> {
  const path = pathOf('repos', owner, name, 'issues', number, 'events');
  const { items } = await api.list(
    access,
    { path, query: { per_page: PAGE_ITEMS } },
    { schema: z.array(IssueEvent).max(PAGE_ITEMS), entries: (page) => page, enough: () => false },
  );
  const last = items.findLast(
    (one) => one.event === 'labeled' && one.label?.name.toLowerCase() === label.toLowerCase(),
  );
  return last?.actor && { id: last.id, person: last.actor };
}
