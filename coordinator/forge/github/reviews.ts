import { z } from 'zod';
import { answerJob } from '../answer-job.ts';
import type { Access, ForgeReview, RepositoryName } from '../forge.ts';
import { Id, Text, WebAddress } from '../forge-text.ts';
import { inPages } from '../in-pages.ts';
import { pathOf, type RestApi } from '../rest-api.ts';
import { User } from './schemas.ts';

const PAGE_ITEMS = 100;

const VERDICTS = new Map<string, ForgeReview['verdict']>([
  ['APPROVED', 'approved'],
  ['CHANGES_REQUESTED', 'changes_requested'],
  ['COMMENTED', 'commented'],
]);

/** Those of other states were dismissed, or are not submitted. */
const Review = z
  .object({
    id: Id,
    user: User,
    state: z.string(),
    body: Text,
    html_url: WebAddress,
    submitted_at: z.string().nullish(),
  })
  .transform(({ user: author, state, html_url: url, submitted_at, ...rest }): ForgeReview | undefined => {
    const verdict = VERDICTS.get(state);
    return verdict && submitted_at ? { ...rest, author, verdict, url, submitted_at } : undefined;
  });
export const REVIEWS = answerJob('coordinator/forge/github/reviews.ts', 'REVIEWS', z.array(Review).max(PAGE_ITEMS));

/** The reviews of a pull request, oldest first. */
export async function listReviews(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  number: number,
): Promise<ForgeReview[]> {
  const path = pathOf('repos', owner, name, 'pulls', number, 'reviews');
  const { items } = await inPages(PAGE_ITEMS, (items_max) =>
    api.list(
      access,
      { path, query: { per_page: items_max } },
      {
        page: REVIEWS,
        entries: (page) => page.filter((review) => review !== undefined),
      },
    ),
  );
  return items;
}
