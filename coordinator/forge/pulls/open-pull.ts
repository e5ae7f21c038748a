import { LIMITS } from '../../../protocol/limits.ts';
import type { PullRow } from '../../domain/pull.ts';
import type { TaskRow } from '../../domain/task.ts';
import type { Access, Pull } from '../forge.ts';
import type { ForgeAccess, OpenForge } from '../forge-access.ts';
import { ForgeApiError, isAppRefused, isTokenRefused } from '../forge-api-error.ts';
import { pullBody, type PullText } from './pull-body.ts';
import { PullRefused } from './pull-faults.ts';
import { issuesOf, sureFirst } from './pull-issues.ts';
import type { PullSurroundings } from './pull-surroundings.ts';

type Opening = {
  access: ForgeAccess;
  task: TaskRow;
  row: PullRow;
  surroundings: PullSurroundings;
  signal: AbortSignal;
  url: string | undefined;
};

/** What is stored of a pull request that is there. */
export type Opened = Partial<PullRow>;

/**
 * Opens the pull request of a branch, or finds the one that it has: also the one that was opened just before a crash.
 * As the app where that is wished and it may, else as the person. Rejects with `PullRefused` or `ForgeApiError`.
 */
export async function openPull(opening: Opening): Promise<Opened> {
  const { access, task, row, surroundings } = opening;
  let app_refused: unknown;
  try {
    const app = row.wished_author === 'app' ? await access.forApp(row.repo_url) : undefined;
    if (app) return await openWith(app, opening);
  } catch (error) {
    // That says nothing of the person.
    if (isAppRefused(error)) app_refused = error;
    else if (!isTokenRefused(error)) throw error;
  }
  const person = await access.forPerson({ user_id: task.user_id, project_id: surroundings.project_id }, row.repo_url);
  if (person) return openWith(person, opening);
  if (app_refused !== undefined) throw app_refused;
  throw new PullRefused(
    `There is no token for ${new URL(row.repo_url).host}: link your account there, or give the project a token. The branch ${row.head_branch} is pushed.`,
  );
}

async function openWith({ client, repository: name, token, as }: OpenForge, opening: Opening): Promise<Opened> {
  const { row, signal } = opening;
  const access: Access = { token, signal };
  const repository = await client.repository(access, name);
  const now = { owner: repository.owner, name: repository.name };
  const base = row.base_branch ?? repository.default_branch;
  const found = await client.pullOfBranch(access, now, row.head_branch);
  const pull = found ?? (await openNew({ client, access, name: now, base }, opening));
  return {
    ...stateOf(pull),
    // The text of one that was there may be old.
    told_commit: found ? null : row.head_commit,
    repository_id: repository.id,
    ...now,
    number: pull.number,
    url: pull.url,
    base_branch: pull.base.branch,
    author: pull.author.bot ? 'app' : as,
  };
}

type PullTarget = { client: OpenForge['client']; access: Access; name: { owner: string; name: string }; base: string };

async function openNew(
  { client, access, name, base }: PullTarget,
  { task, row, surroundings, url }: Opening,
): Promise<Pull> {
  // A forge finds a branch that was renamed by its old name too, but opens no pull request with that.
  const into = await client.branch(access, name, base);
  if (!into)
    throw new PullRefused(
      `The branch ${base}, which the errand started from, is gone: there is nothing to merge into.`,
    );
  if (into.name === row.head_branch)
    throw new PullRefused(`The branch ${into.name} is the one that a pull request would go into.`);
  const from = await client.branch(access, name, row.head_branch);
  if (from?.name !== row.head_branch)
    throw new PullRefused(`The branch ${row.head_branch} is not in the repository any more.`);
  const template = await client.pullTemplate(access, name);
  const body = pullBody(textOf({ task, row, surroundings, url }, name), template);
  const draft = { title: row.title, body, head: row.head_branch, base: into.name, draft: row.draft };
  try {
    return await client.openPull(access, name, draft);
  } catch (error) {
    // Somebody else was faster, or the list was not up to date.
    const other = isInvalid(error) ? await client.pullOfBranch(access, name, row.head_branch) : undefined;
    if (other) return other;
    throw isInvalid(error) && /no commits between/i.test(error.message) ? nothingNew(into.name) : error;
  }
}

function nothingNew(base: string): PullRefused {
  return new PullRefused(`${base} has all commits of the branch already: there is nothing to merge.`);
}

function isInvalid(error: unknown): error is ForgeApiError {
  return error instanceof ForgeApiError && error.fault === 'invalid';
}

/**
 * What the text of a pull request is made from. It closes no issue that the agent has not read, and names no number
 * that may be none.
 */
export function textOf(
  {
    task,
    row,
    surroundings: { others, numbers_read, merged },
    url,
  }: Pick<Opening, 'task' | 'row' | 'surroundings' | 'url'>,
  name: { owner: string; name: string },
): PullText {
  const named = issuesOf(task.prompt, row.origin, name, row.repo_url === task.repo_url);
  const issues = named.flatMap(({ number, closes, is_sure, is_given }) => {
    const is_known = is_given || numbers_read.has(number);
    return is_sure || is_known ? [{ number, closes: closes && is_known, is_sure }] : [];
  });
  return {
    summary: task.result?.summary ?? task.title,
    issues: sureFirst(issues).slice(0, LIMITS.named_threads_max),
    url,
    task_id: task.id,
    others,
    merged,
  };
}

/** What of a pull request its forge decides. */
export function stateOf(pull: Pull): Pick<PullRow, 'state' | 'draft' | 'title' | 'url' | 'base_branch'> {
  return { state: pull.state, draft: pull.draft, title: pull.title, url: pull.url, base_branch: pull.base.branch };
}
