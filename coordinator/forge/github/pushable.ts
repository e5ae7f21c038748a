import { z } from 'zod';
import { LIMITS } from '../../../protocol/limits.ts';
import { answerJob } from '../answer-job.ts';
import type { Access, ForgeRepositoryInfo } from '../forge.ts';
import { isDenied } from '../forge-api-error.ts';
import { Id } from '../forge-text.ts';
import { pathOf, type Listed, type RestApi } from '../rest-api.ts';
import { Repository } from './schemas.ts';

/**
 * What a token may push to, those with the newest push first. `cut`: there is more than was read. `without_sign_on`:
 * how many organisations GitHub has left out, since they ask for single sign-on and there was no session.
 */
export type PushableRepositories = Listed<ForgeRepositoryInfo> & { without_sign_on: number };

/** Pages of repositories that are read of all installations together. */
const PAGES_MAX = 2 * LIMITS.forge_pages_max;
const query = { per_page: 100 };

const Installations = z.object({
  installations: z.array(z.object({ id: Id, suspended_at: z.string().nullish() })),
});
const HERE = 'coordinator/forge/github/pushable.ts';
export const INSTALLATIONS = answerJob(HERE, 'INSTALLATIONS', Installations);
const InstallationRepositories = z.object({ repositories: z.array(Repository) });
export const INSTALLATION_REPOSITORIES = answerJob(HERE, 'INSTALLATION_REPOSITORIES', InstallationRepositories);
export const OWN_REPOSITORIES = answerJob(HERE, 'OWN_REPOSITORIES', z.array(Repository));

/** What the person of the token may push to. */
export async function readOwn(api: RestApi, access: Access): Promise<PushableRepositories> {
  let without_sign_on = 0;
  const call = { path: '/user/repos', query: { ...query, sort: 'pushed' } };
  const list = await api.list(access, call, {
    page: OWN_REPOSITORIES,
    entries: (page, headers) => {
      without_sign_on = Math.max(without_sign_on, leftOut(headers));
      return page.filter(mayPush);
    },
  });
  return { ...list, without_sign_on };
}

/**
 * What the person may push to through an app: only where it is installed. Their own list has public repositories
 * where it is not, to which GitHub then refuses the push.
 */
export async function readInstallations(api: RestApi, access: Access): Promise<PushableRepositories> {
  let without_sign_on = 0;
  const installations = await api.list(
    access,
    { path: '/user/installations', query },
    {
      page: INSTALLATIONS,
      entries: (page, headers) => {
        without_sign_on = Math.max(without_sign_on, leftOut(headers));
        return page.installations.filter(({ suspended_at }) => !suspended_at);
      },
    },
  );
  let { cut } = installations;
  let pages = 0;
  const items: ForgeRepositoryInfo[] = [];
  for (const { id } of installations.items) {
    if (pages >= PAGES_MAX) {
      cut = true;
      break;
    }
    const call = { path: pathOf('user', 'installations', id, 'repositories'), query };
    const list = await unlessGone(
      api.list(access, call, {
        page: INSTALLATION_REPOSITORIES,
        entries: ({ repositories }) => {
          pages++;
          return repositories.filter(mayPush);
        },
        enough: () => pages >= PAGES_MAX,
      }),
    );
    items.push(...list.items);
    cut ||= list.cut;
  }
  items.sort((one, other) => (other.pushed_at ?? '').localeCompare(one.pushed_at ?? ''));
  return { items, cut, without_sign_on };
}

function mayPush({ permission }: ForgeRepositoryInfo): boolean {
  return permission === 'write' || permission === 'admin';
}

/** An app may be uninstalled meanwhile. One installation that GitHub refuses to show hides no other. */
async function unlessGone(list: Promise<Listed<ForgeRepositoryInfo>>): Promise<Listed<ForgeRepositoryInfo>> {
  try {
    return await list;
  } catch (error) {
    if (!isDenied(error)) throw error;
    return { items: [], cut: error.fault === 'forbidden' };
  }
}

/** `partial-results; organizations=21955855,20582480`. */
function leftOut(headers: Record<string, string | undefined>): number {
  const [, ids = ''] = /^partial-results;\s*organizations=([\d,\s]+)/.exec(headers['x-github-sso'] ?? '') ?? [];
  return ids.split(',').filter((id) => id.trim() !== '').length;
}
