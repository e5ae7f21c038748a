import { pause } from '../../base/deadline.ts';
import type { PullRow } from '../../domain/pull.ts';
import type { TaskRow } from '../../domain/task.ts';
import type { Access, EditablePull, Pull } from '../forge.ts';
import type { ForgeAccess, OpenForge } from '../forge-access.ts';
import { ForgeApiError } from '../forge-api-error.ts';
import { mayRead, outOfSight } from '../may-read.ts';
import { eitherOf } from '../other-token.ts';
import { readChecks } from '../read-checks.ts';
import { checksOf } from './checks-of-pull.ts';
import { stateOf, textOf } from './open-pull.ts';
import { updatedBody } from './pull-body.ts';
import { faultOf, PullRefused } from './pull-faults.ts';
import type { PullSurroundings } from './pull-surroundings.ts';
import type { PushedBranch } from './pushed-branches.ts';

type Looking = {
  access: ForgeAccess;
  task: TaskRow;
  row: PullRow;
  surroundings: PullSurroundings;
  /** What the task has pushed so far. */
  branches: PushedBranch[];
  signal: AbortSignal;
  url: string | undefined;
  conflicts_ms: number;
};

/**
 * Asks a forge how a pull request is, and tells it what the errand did since its text was written. Rejects with
 * `PullRefused` or `ForgeApiError`.
 */
export async function lookAtPull(looking: Looking): Promise<Partial<PullRow>> {
  const { row, signal } = looking;
  const forge = await openForge(looking);
  const { client, token } = forge;
  const access: Access = { token, signal };
  const name = { owner: row.owner ?? forge.repository.owner, name: row.name ?? forge.repository.name };
  if (row.number === null) throw new Error(`The pull request ${row.id} has no number.`);
  const pull = await client.pull(access, name, row.number);
  if (!(await mayRead(looking.access, personOf(looking), row.repo_url, signal)))
    throw new PullRefused(outOfSight(name));
  // Under the old name of a repository that was renamed there may be another one.
  if (pull.head.branch !== row.head_branch)
    throw new PullRefused(`Number ${row.number} of ${name.owner}/${name.name} is another pull request now.`);
  const changed = { ...stateOf(pull), ...pull.base.repository, head_commit: pull.head.commit };
  if (pull.state !== 'open') return { ...changed, conflicts: false };
  const read = await readChecks(client, access, name, pull.head.commit);
  const checks = checksOf(read, new URL(client.origin).host);
  const told = await tellOf(looking, { forge, access, name, pull });
  const conflicts = await conflictsOf(looking, pull, () => client.pull(access, name, pull.number));
  return { ...changed, ...checks, conflicts, ...told };
}

/** The errand's person, and the project whose token is used in this repository. */
function personOf({ task, surroundings }: Looking): { user_id: string; project_id: string | null } {
  return { user_id: task.user_id, project_id: surroundings.project_id };
}

/** Whoever opened it is asked with first: they may write its text. */
async function openForge(looking: Looking): Promise<OpenForge> {
  const { access, row } = looking;
  const forPerson = () => access.forPerson(personOf(looking), row.repo_url);
  const forApp = () => access.forApp(row.repo_url);
  const open = await (row.author === 'app' ? eitherOf(forApp, forPerson) : eitherOf(forPerson, forApp));
  if (open) return open;
  throw new PullRefused(`There is no token for ${new URL(row.repo_url).host} any more: link your account there again.`);
}

type ReadPull = { forge: OpenForge; access: Access; name: { owner: string; name: string }; pull: EditablePull };

/**
 * Brings the text up to date after a further round of work, or when another repository got its pull request. Resolves
 * with the commit that it tells of. A forge that refuses that hides nothing else: it is asked again by the next look.
 */
async function tellOf(looking: Looking, { forge, access, name, pull }: ReadPull): Promise<Partial<PullRow>> {
  const { row, branches } = looking;
  const pushed = branches.find(({ repo_url, branch }) => repo_url === row.repo_url && branch === row.head_branch);
  if (!pushed || pushed.commit === row.told_commit) return {};
  const body = updatedBody(pull.raw_body, textOf(looking, name));
  try {
    if (body !== undefined && body !== pull.raw_body) await forge.client.editPull(access, name, pull.number, { body });
  } catch (error) {
    const fault = faultOf(error, { host: new URL(row.repo_url).host, branch: row.head_branch });
    if (!(error instanceof ForgeApiError) || fault.worth_a_retry) throw error;
    return { problem: fault.problem };
  }
  return { told_commit: pushed.commit };
}

/**
 * Whether it conflicts with its base. GitHub begins to find that out when it is asked, and Gitea says that it cannot
 * be merged while it finds out: so the forge is asked once more where it does not know, or says so for the first
 * time. What it does not know then stays as it was for that commit; a new one has no conflicts yet.
 */
async function conflictsOf(
  { row, signal, conflicts_ms }: Looking,
  first: Pull,
  ask: () => Promise<Pull>,
): Promise<boolean> {
  const known = row.conflicts && row.head_commit === first.head.commit;
  if (first.conflicts === false || (first.conflicts && known)) return first.conflicts;
  await pause(conflicts_ms, signal);
  const { conflicts, head } = await ask();
  return head.commit === first.head.commit ? (conflicts ?? known) : known;
}
