import { z } from 'zod';
import { LIMITS } from '../../../protocol/limits.ts';
import { answerJob } from '../answer-job.ts';
import type { Access, Check, RepositoryName } from '../forge.ts';
import { isDenied, isMissing, undefinedIf } from '../forge-api-error.ts';
import { Id, Line, WebAddress } from '../forge-text.ts';
import { logEnd } from '../log-end.ts';
import { pathOf, type Listed, type RestApi } from '../rest-api.ts';
import { statusCheck } from '../status-check.ts';

const HERE = 'coordinator/forge/gitea/checks.ts';
const Combined = z.object({
  statuses: z.array(z.object({ context: Line, status: z.string(), target_url: z.string() })).nullable(),
});
export const COMBINED = answerJob(HERE, 'COMBINED', Combined);
const Runs = z.object({ workflow_runs: z.array(z.object({ id: Id, html_url: WebAddress.optional() })).nullable() });
export const RUNS = answerJob(HERE, 'RUNS', Runs);
const JobList = z.array(z.object({ id: Id, html_url: WebAddress })).nullish();
// The first version that had them called them otherwise.
const Jobs = z
  .object({ jobs: JobList, workflow_jobs: JobList })
  .transform(({ jobs, workflow_jobs }) => jobs ?? workflow_jobs ?? []);
export const JOBS = answerJob(HERE, 'JOBS', Jobs);
/** Where the log of a job of Gitea Actions is shown. */
const JOB = /\/actions\/(runs\/\d+\/jobs\/\d+)$/;
/** The runs whose jobs are asked for: each takes a call or more. */
const RUNS_MAX = 20;
/** Gitea gives no more at once, or fewer as its settings have it, and 30 where it is not asked for more. */
const PAGE_ITEMS = 50;

/** The statuses of a commit: jobs of Gitea Actions have one too. */
export async function listChecks(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  commit: string,
): Promise<Listed<Check>> {
  const path = `${pathOf('repos', owner, name, 'commits', commit)}/status`;
  const { items, cut } = await api.list(
    access,
    { path, query: { limit: PAGE_ITEMS } },
    { page: COMBINED, entries: ({ statuses }) => statuses ?? [], empty_pages: 1 },
  );
  const checkOf = ({ context, status, target_url }: (typeof items)[number]) =>
    giteaCheck(api.root, commit, context, status, target_url);
  return { items: items.map(checkOf), cut };
}

/**
 * `root`: of the forge's API. `target_url` may lack the host. The log is found by the commit and the page that shows
 * it.
 */
export function giteaCheck(root: string, commit: string, context: string, state: string, target_url: string): Check {
  const page = WebAddress.parse(target_url === '' ? '' : URL.parse(target_url, root)?.href);
  const job = JOB.exec(URL.parse(page)?.pathname ?? '')?.[1];
  const check = statusCheck({ context, state, target_url: page });
  return { ...check, log_id: job === undefined ? null : `${commit} ${job}` };
}

/** The ids of the runs of a commit that may have the job of a page. Older versions do not say where a run is shown. */
async function listRuns(
  api: RestApi,
  access: Access,
  { root, commit, page }: { root: string; commit: string; page: string },
): Promise<string[]> {
  const call = { path: `${root}/runs`, query: { head_sha: commit, limit: PAGE_ITEMS } };
  const isShown = ({ html_url = '' }) => html_url.endsWith(`/actions/${page.replace(/\/jobs\/\d+$/, '')}`);
  const listing = api.list(access, call, {
    page: RUNS,
    entries: ({ workflow_runs }) => workflow_runs ?? [],
    enough: (found) => found.some(isShown) || (found.length >= RUNS_MAX && found.every(({ html_url }) => !html_url)),
    empty_pages: 1,
  });
  const runs = (await listing.catch(undefinedIf(isMissing)))?.items ?? [];
  const shown = runs.filter(isShown);
  return (shown.length > 0 ? shown : runs).slice(0, RUNS_MAX).map(({ id }) => id);
}

/** The end of a job's log; empty where this version of the forge does not give logs out. */
export async function readLog(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  { log_id }: Check,
  bytes_max: number,
): Promise<Buffer> {
  const [commit = '', page = ''] = log_id?.split(' ') ?? [];
  if (commit === '') return Buffer.alloc(0);
  const isShown = ({ html_url }: { html_url: string }) => html_url.endsWith(`/actions/${page}`);
  const root = pathOf('repos', owner, name, 'actions');
  for (const id of await listRuns(api, access, { root, commit, page })) {
    const call = { path: `${root}${pathOf('runs', id, 'jobs')}`, query: { limit: PAGE_ITEMS } };
    const enough = (found: { html_url: string }[]) => found.some(isShown);
    const jobs = api.list(access, call, { page: JOBS, entries: (found) => found, enough, empty_pages: 1 });
    const job = (await jobs.catch(undefinedIf(isDenied)))?.items.find(isShown);
    if (job === undefined) continue;
    return logEnd(
      api,
      access,
      `${root}${pathOf('jobs', job.id, 'logs')}`,
      Math.min(bytes_max, LIMITS.forge_log_bytes_max),
    );
  }
  return Buffer.alloc(0);
}
