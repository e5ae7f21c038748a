import { z } from 'zod';
import { LIMITS } from '../../../protocol/limits.ts';
import type { Access, Check, RepositoryName } from '../forge.ts';
import { logEnd } from '../log-end.ts';
import { pathOf, type RestApi } from '../rest-api.ts';
import { statusCheck } from '../status-check.ts';
import { CheckRun, StatusFields } from './schemas.ts';

const CheckRuns = z.object({ check_runs: z.array(CheckRun) });
const Statuses = z.object({ statuses: z.array(z.object(StatusFields)) });

/** The check runs of a commit, and what other programs say of it. */
export async function listChecks(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  commit: string,
): Promise<Check[]> {
  const root = pathOf('repos', owner, name, 'commits', commit);
  const runs = await api.list(
    access,
    { path: `${root}/check-runs`, query: { per_page: 100 } },
    {
      schema: CheckRuns,
      entries: ({ check_runs }) => check_runs.map(({ check }) => check),
      enough: (found) => found.length >= 1_000,
    },
  );
  const { statuses } = await api.call(access, { path: `${root}/status`, query: { per_page: 100 } }, Statuses);
  return [...runs.items, ...statuses.map(statusCheck)];
}

/** The end of a job's log. GitHub keeps it elsewhere: the redirect there is followed without the token. */
export async function readLog(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  { log_id }: Check,
  bytes_max: number,
): Promise<string> {
  if (log_id === null) return '';
  const path = pathOf('repos', owner, name, 'actions', 'jobs', log_id, 'logs');
  return logEnd(api, access, path, Math.min(bytes_max, LIMITS.forge_log_bytes_max));
}
