import { z } from 'zod';
import { answerJob } from './answer-job.ts';
import type { Access, ChangedThread, RepositoryName } from './forge.ts';
import { inPages } from './in-pages.ts';
import { pathOf, type Listed, type RestApi } from './rest-api.ts';

/** Gitea gives no more at once. */
const PAGE_ITEMS = 50;

const Changed: z.ZodType<ChangedThread> = z.object({ number: z.int(), updated_at: z.string() });
export const CHANGED = answerJob('coordinator/forge/changed-threads.ts', 'CHANGED', z.array(Changed).max(PAGE_ITEMS));

/**
 * The issues and pull requests of a repository that have changed since. Both forges list them alike, those opened
 * last first: what changes while pages are read is listed twice, but nothing is left out. `page_size`: how the forge
 * names that.
 */
export async function changedThreads(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  { since, page_size }: { since: string; page_size: 'per_page' | 'limit' },
): Promise<Listed<ChangedThread>> {
  const path = pathOf('repos', owner, name, 'issues');
  return inPages(PAGE_ITEMS, (items_max) =>
    api.list(
      access,
      { path, query: { state: 'all', since, [page_size]: items_max } },
      { page: CHANGED, entries: (page) => page },
    ),
  );
}
