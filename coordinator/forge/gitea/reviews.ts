import { z } from 'zod';
import { answerJob } from '../answer-job.ts';
import type { Access, ForgeReview, RepositoryName } from '../forge.ts';
import { Id, Text, WebAddress } from '../forge-text.ts';
import { inPages } from '../in-pages.ts';
import { pathOf, type RestApi } from '../rest-api.ts';
import { listNewest } from './list-newest.ts';
import { User } from './schemas.ts';

const PAGE_ITEMS = 50;

const VERDICTS = new Map<string, ForgeReview['verdict']>([
  ['APPROVED', 'approved'],
  ['REQUEST_CHANGES', 'changes_requested'],
  ['COMMENT', 'commented'],
]);

/** Those of other states are not submitted, or ask for a review. */
const Review = z
  .object({
    id: Id,
    user: User,
    state: z.string(),
    dismissed: z.boolean(),
    body: Text,
    html_url: WebAddress,
    submitted_at: z.string().nullish(),
  })
  .transform(({ id, user: author, state, dismissed, body, html_url: url, submitted_at }): ForgeReview | undefined => {
    const verdict = VERDICTS.get(state);
    return verdict && !dismissed && submitted_at ? { id, author, verdict, body, url, submitted_at } : undefined;
  });
export const REVIEWS = answerJob('coordinator/forge/gitea/reviews.ts', 'REVIEWS', z.array(Review).max(PAGE_ITEMS));

/** The reviews of a pull request, oldest first. */
export async function listReviews(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  number: number,
): Promise<ForgeReview[]> {
  const path = pathOf('repos', owner, name, 'pulls', number, 'reviews');
  const { items } = await inPages(PAGE_ITEMS, (items_max) =>
    listNewest(api, access, { path, query: { limit: items_max } }, REVIEWS),
  );
  return items.filter((review) => review !== undefined);
}
