import { z } from 'zod';
import { LIMITS } from '../../../protocol/limits.ts';
import { answerJob } from '../answer-job.ts';
import type { Access, Check, ReadableChecks, RepositoryName } from '../forge.ts';
import { isDenied, undefinedIf } from '../forge-api-error.ts';
import { logEnd } from '../log-end.ts';
import { pathOf, type Listed, type RestApi } from '../rest-api.ts';
import { statusCheck } from '../status-check.ts';
import { newestOf, type SourcedCheck } from './newest-checks.ts';
import { CheckRun, Job, StatusFields, WorkflowRun } from './schemas.ts';

const HERE = 'coordinator/forge/github/checks.ts';
export const CHECK_RUNS = answerJob(HERE, 'CHECK_RUNS', z.object({ check_runs: z.array(CheckRun) }));
const WorkflowRuns = z.object({ total_count: z.int(), workflow_runs: z.array(WorkflowRun) });
export const WORKFLOW_RUNS = answerJob(HERE, 'WORKFLOW_RUNS', WorkflowRuns);
export const JOBS = answerJob(HERE, 'JOBS', z.object({ jobs: z.array(Job) }));
const Statuses = z.object({ statuses: z.array(z.object(StatusFields)) });
export const STATUSES = answerJob(HERE, 'STATUSES', Statuses);

/** Runs of Actions for one commit whose jobs are asked for. */
const WORKFLOW_RUNS_MAX = 20;

type RunOfCheck = z.output<typeof CheckRun>;

/** The check runs of a commit, and what other programs say of it. */
export async function listChecks(
  api: RestApi,
  access: Access,
  repository: RepositoryName,
  commit: string,
): Promise<Listed<Check>> {
  const { owner, name } = repository;
  const root = pathOf('repos', owner, name, 'commits', commit);
  const { items: runs, cut } = await api.list(
    access,
    { path: `${root}/check-runs`, query: { per_page: 100 } },
    {
      page: CHECK_RUNS,
      entries: ({ check_runs }) => check_runs,
    },
  );
  const workflows = await workflowsOf(api, access, repository, { commit, runs });
  const sourceOf = ({ is_job, suite, app }: RunOfCheck) => (is_job ? workflows.get(suite) : app) ?? `suite ${suite}`;
  const items = newestOf(runs.map((run) => ({ ...run, source: sourceOf(run), run: run.suite })));
  return joined([{ items, cut }, await listStatuses(api, access, repository, commit)]);
}

/**
 * The workflows that the jobs of a commit are of, by their suites. A check run does not say which: they are asked for
 * where that decides. Empty too where the token may not read them.
 */
async function workflowsOf(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  { commit, runs }: { commit: string; runs: readonly RunOfCheck[] },
): Promise<Map<string, string>> {
  const same_name = Map.groupBy(
    runs.filter(({ is_job }) => is_job),
    ({ check }) => check.name,
  );
  if ([...same_name.values()].every((jobs) => new Set(jobs.map(({ suite }) => suite)).size === 1)) return new Map();
  const call = { path: pathOf('repos', owner, name, 'actions', 'runs'), query: { head_sha: commit, per_page: 100 } };
  const page = { page: WORKFLOW_RUNS, entries: ({ workflow_runs }: z.output<typeof WorkflowRuns>) => workflow_runs };
  const listed = await api.list(access, call, page).catch(undefinedIf(isDenied));
  return new Map(listed?.items.flatMap(({ suite, source }) => (suite === null ? [] : [[suite, source] as const])));
}

/**
 * What a fine-grained personal token may read, which cannot be given the right to check runs: the jobs of Actions, and
 * statuses. The check runs of other programs are missing then.
 */
export async function listReadableChecks(
  api: RestApi,
  access: Access,
  repository: RepositoryName,
  commit: string,
): Promise<ReadableChecks> {
  const jobs = await listJobs(api, access, repository, commit).catch(undefinedIf(isDenied));
  const statuses = await listStatuses(api, access, repository, commit).catch(undefinedIf(isDenied));
  return {
    ...joined([jobs, statuses].filter((list) => list !== undefined)),
    missing: [...(jobs ? [] : ['Actions']), ...(statuses ? [] : ['commit statuses'])],
  };
}

/** The jobs of the newest runs of Actions for a commit. */
async function listJobs(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  commit: string,
): Promise<Listed<Check>> {
  const root = pathOf('repos', owner, name, 'actions', 'runs');
  const query = { head_sha: commit, per_page: WORKFLOW_RUNS_MAX };
  const { total_count, workflow_runs } = await api.call(access, { path: root, query }, WORKFLOW_RUNS);
  const runs = workflow_runs.slice(0, WORKFLOW_RUNS_MAX);
  const found: SourcedCheck[] = [];
  let is_cut = total_count > runs.length;
  for (const { id, source } of runs) {
    const call = { path: `${root}${pathOf(id, 'jobs')}`, query: { per_page: 100 } };
    const { items, cut } = await api.list(access, call, { page: JOBS, entries: ({ jobs }) => jobs });
    found.push(...items.map((job) => ({ ...job, source, run: id })));
    is_cut ||= cut;
  }
  return { items: newestOf(found), cut: is_cut };
}

/** What other programs say of a commit. */
async function listStatuses(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  commit: string,
): Promise<Listed<Check>> {
  const path = `${pathOf('repos', owner, name, 'commits', commit)}/status`;
  const page = { page: STATUSES, entries: ({ statuses }: z.output<typeof Statuses>) => statuses };
  const { items, cut } = await api.list(access, { path, query: { per_page: 100 } }, page);
  return { items: items.map(statusCheck), cut };
}

function joined(lists: Listed<Check>[]): Listed<Check> {
  return { items: lists.flatMap(({ items }) => items), cut: lists.some(({ cut }) => cut) };
}

/** The end of a job's log. GitHub keeps it elsewhere: the redirect there is followed without the token. */
export async function readLog(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  { log_id }: Check,
  bytes_max: number,
): Promise<Buffer> {
  if (log_id === null) return Buffer.alloc(0);
  const path = pathOf('repos', owner, name, 'actions', 'jobs', log_id, 'logs');
  return logEnd(api, access, path, Math.min(bytes_max, LIMITS.forge_log_bytes_max));
}
