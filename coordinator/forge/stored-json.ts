import { z } from 'zod';
import type { ForgeComment, ForgeEvent, ForgePerson } from './forge.ts';

/*
 * What forges said, as this server keeps it in JSON until it acts upon it. Another version of it may have written that.
 */

const Person: z.ZodType<ForgePerson> = z.object({
  id: z.string(),
  login: z.string(),
  name: z.string().nullable(),
  email: z.string().nullable(),
  bot: z.boolean(),
});

const Comment: z.ZodType<ForgeComment> = z.object({
  id: z.string(),
  author: Person,
  body: z.string(),
  created_at: z.string(),
  url: z.string(),
  review: z
    .object({
      path: z.string(),
      line: z.number().nullable(),
      start_line: z.number().nullable(),
      is_before: z.boolean().default(false),
      diff_hunk: z.string(),
      thread_id: z.string(),
      review_id: z.string().nullable(),
    })
    .nullable(),
});

const RepositoryName = z.object({ owner: z.string(), name: z.string() });
const number = z.int();
const is_pull = z.boolean();

const Pull = z.object({
  number,
  url: z.string(),
  title: z.string(),
  body: z.string(),
  state: z.enum(['open', 'merged', 'closed']),
  draft: z.boolean(),
  author: Person,
  head: z.object({ branch: z.string(), commit: z.string(), repository: RepositoryName.nullable() }),
  base: z.object({ branch: z.string(), commit: z.string(), repository: RepositoryName.nullable().default(null) }),
  conflicts: z.boolean().nullable().default(null),
});

const Check = z.object({
  id: z.string(),
  name: z.string(),
  state: z.enum(['running', 'waiting', 'passed', 'failed', 'needs_action', 'cancelled', 'skipped']),
  url: z.string().nullable(),
  log_id: z.string().nullable(),
});

const What = z.discriminatedUnion('type', [
  z.object({ type: z.literal('comment'), number, is_pull, comment: Comment }),
  z.object({
    type: z.literal('review'),
    number,
    verdict: z.enum(['approved', 'changes_requested', 'commented']),
    review_id: z.string().nullable(),
    body: z.string(),
    url: z.string(),
  }),
  z.object({
    type: z.literal('issue'),
    action: z.enum(['opened', 'labeled']),
    number,
    is_pull,
    labels: z.array(z.string()),
    title: z.string(),
    body: z.string(),
  }),
  z.object({ type: z.literal('pull'), action: z.enum(['opened', 'changed']), pull: Pull }),
  z.object({ type: z.literal('check'), commit: z.string(), branch: z.string().nullable(), check: Check }),
  z.object({ type: z.literal('pull_checks'), number, commit: z.string() }),
  z.object({ type: z.literal('repository'), action: z.enum(['renamed', 'transferred', 'privatized', 'deleted']) }),
]);

const Event: z.ZodType<ForgeEvent> = z
  .object({
    delivery_id: z.string(),
    at: z.string().nullable(),
    repository: RepositoryName.extend({ id: z.string(), clone_url: z.string(), default_branch: z.string() }),
    sender: Person,
  })
  .and(What);

/** An event as it was stored. Throws if it has another shape. */
export function readEvent(json: string): ForgeEvent {
  return Event.parse(JSON.parse(json));
}

/** A comment to be stored: without its text, which whoever answers it does not need. */
export function storedComment(comment: ForgeComment): string {
  return JSON.stringify({ ...comment, body: '' });
}

/** A comment as it was stored. Null: there is none, or it has another shape. */
export function readComment(json: string | null): ForgeComment | null {
  return json === null ? null : (Comment.safeParse(JSON.parse(json)).data ?? null);
}
