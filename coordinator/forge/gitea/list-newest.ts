import { LIMITS } from '../../../protocol/limits.ts';
import type { AnswerJob } from '../answer-job.ts';
import type { Access } from '../forge.ts';
import type { Listed, RestApi, RestCall } from '../rest-api.ts';

/**
 * A list that Gitea gives oldest first. Of one with more pages than are read, the last ones are read too: Gitea says
 * how many entries there are, while it may give fewer at once than it was asked for.
 */
export async function listNewest<E>(
  api: RestApi,
  access: Access,
  call: RestCall,
  page: AnswerJob<E[]>,
): Promise<Listed<E>> {
  const pages_max = LIMITS.forge_pages_max;
  let total = 0;
  const { items, cut } = await api.list(access, call, {
    page,
    entries: (found, headers) => {
      total = countIn(headers['x-total-count']);
      return found;
    },
    empty_pages: 1,
  });
  if (!cut) return { items, cut };
  const last = Math.ceil(total / Math.max(1, Math.ceil(items.length / pages_max)));
  const first = Math.max(last - pages_max, pages_max) + 1;
  for (let number = first; number <= last; number++)
    items.push(...(await api.call(access, { ...call, query: { ...call.query, page: number } }, page)));
  return { items, cut: first > pages_max + 1 || last < first };
}

/** The number in a header; 0: it has none, or one that no list has. */
function countIn(header: unknown): number {
  return typeof header === 'string' && /^\d{1,9}$/.test(header) ? Number(header) : 0;
}
