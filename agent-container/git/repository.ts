import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Commit } from '../../protocol/task.ts';
import type { Assignment } from '../../protocol/worker-schemas.ts';
import { AttemptFailure } from '../base/failure.ts';
import { createAgents, importCommits, readAgentState, type AgentState } from './agent-repository.ts';
import { choosePushBranch } from './branch-names.ts';
import { checkOut, chooseBaseBranch } from './checkout.ts';
import type { Git } from './git.ts';
import { setAuthor } from './home-identity.ts';
import { fetchLfs } from './lfs-objects.ts';
import { moveAside } from './move-aside.ts';
import {
  HEAD_REF,
  notePushed,
  PUSHED_REF,
  rebuildOwn,
  removeLocks,
  tracking,
  wasSent,
  WORK_REF,
  writeExcludes,
} from './own-repository.ts';
import type { RemoteRefs } from './remote-refs.ts';
import { fetchBranches, remoteRefs, type Remote } from './remote.ts';
import type { Repositories } from './repositories.ts';
import { isFinished } from './wip-commit.ts';
import { describeLoss, describeNotTaken, describeOlder, describeRepair, describeTaken } from './workspace-note.ts';
import { newWorkspaceId, readRecord, writeRecord, type WorkspaceRecord } from './workspace-record.ts';

type Task = Pick<Assignment, 'task_id' | 'base_branch' | 'branch' | 'work_branch' | 'author'>;

/**
 * What the transcript says about its workspace. `turn`: the newest that has finished; 0: the model has not worked in
 * it. `workspace`: its id; null where an older worker did not record it.
 */
export type Expected = { turn: number; workspace: string | null; base_commit: string | null };

/** The repositories of a task, and what they are of. `found_dir`: where files go that are in the way. */
export type Setting = { repos: Repositories; remote: Remote; task: Task; found_dir: string };

/**
 * Where the work begins. The commits are null in an empty repository. `note`: how it differs from what the transcript
 * says, for the model and for people; null if it does not. `lfs_note`: why files of Git LFS are only pointers; null:
 * they are not, or it was not this attempt that cloned.
 */
export type PreparedRepository = WorkspaceRecord & {
  commit: string | null;
  note: string | null;
  lfs_note: string | null;
};

/**
 * Prepares the task's working tree, and both repositories: adopts the workspace that the transcript is about, or clones
 * anew. It is on the task's branch, from the remote if it is there, else from the base branch. Files of another
 * workspace are moved to `found_dir`, never removed. Throws `AttemptFailure`.
 */
export async function prepareRepository(setting: Setting, expected: Expected): Promise<PreparedRepository> {
  const { repos, remote, task } = setting;
  await mkdir(repos.own.dir, { recursive: true });
  const refs = await remoteRefs(repos.own, remote);
  refuseDefaultBranch(refs, task);
  const record = await readRecord(repos.own);
  const is_own = record !== null && record.task_id === task.task_id && isExpected(record.workspace, expected);
  if (is_own && (await isReadable(repos.own))) return adopt(setting, refs, expected, record);
  const rebuilt = await rebuild(setting, refs, expected);
  return rebuilt === null ? cloneAnew(setting, refs, expected) : adopt(setting, refs, expected, rebuilt);
}

/** Known before any money is spent. Throws `AttemptFailure`. */
function refuseDefaultBranch({ head }: RemoteRefs, { work_branch }: Task): void {
  if (work_branch === undefined || work_branch !== head) return;
  const text = `${work_branch} is the default branch of the repository, to which errands never push. Name another branch.`;
  throw new AttemptFailure('push_rejected', text);
}

const isExpected = (workspace: string | null, expected: Expected) =>
  expected.workspace === null || expected.workspace === workspace;

async function isReadable(own: Git): Promise<boolean> {
  await removeLocks(own.git_dir);
  const { code } = await own.try(['rev-parse', '--verify', '-q', HEAD_REF]);
  // 1: nothing was committed yet. Any other failure: this is no repository any more.
  return code === 1 || (code === 0 && (await own.resolve(HEAD_REF)) !== null);
}

/**
 * Makes the worker's own repository anew for a workspace whose `.git` is the task's: the worker's own was lost, or an
 * older worker left none. Null: there is no such workspace.
 */
async function rebuild(
  { repos, remote, task }: Setting,
  refs: RemoteRefs,
  expected: Expected,
): Promise<WorkspaceRecord | null> {
  const { own, agents } = repos;
  await removeLocks(agents.git_dir);
  const { fault, head } = await readAgentState(repos);
  if (fault !== null) return null;
  const setting = async (name: string) =>
    (await agents.try(['config', `errand.${name}`])).stdout.toString('utf8').trim() || null;
  const workspace = await setting('workspace');
  if ((await setting('task')) !== task.task_id || !isExpected(workspace, expected)) return null;
  // An older worker's clone is complete once it names the task.
  const base_branch = (await setting('baseBranch')) ?? chooseBaseBranch(refs, task);
  const base_commit = expected.base_commit ?? Commit.nullable().parse(await setting('base'));
  const branch = choosePushBranch(refs, task);
  const pushed = await agents.commit(PUSHED_REF);
  const { work_branch } = task;
  await rebuildOwn(own, remote, refs, { base_branch, base_commit, branch, work_branch });
  if (head !== null && (await importCommits(repos, [head])).length > 0) await own.run(['update-ref', HEAD_REF, head]);
  if (pushed !== null && refs.branches.get(branch) === pushed) await own.run(['update-ref', PUSHED_REF, pushed]);
  const named = { base_branch, base_commit, branch, ...(work_branch !== undefined && { work_branch }) };
  const record = { task_id: task.task_id, workspace: workspace ?? newWorkspaceId(), ...named };
  await agents.run(['config', 'errand.workspace', record.workspace]);
  await writeRecord(own, record);
  return record;
}

async function adopt(
  setting: Setting,
  refs: RemoteRefs,
  expected: Expected,
  record: WorkspaceRecord,
): Promise<PreparedRepository> {
  const { repos, remote, task } = setting;
  await removeLocks(repos.agents.git_dir);
  const state = await readAgentState(repos);
  const notes: (string | null)[] = [];
  if (isOlder(record, expected)) notes.push(describeOlder(record.turn, expected.turn));
  if (state.fault !== null) notes.push(await repairAgents(setting, record, state));
  const { own, agents } = repos;
  await agents.run(['config', 'remote.origin.url', remote.origin]);
  await setAuthor(agents, task.author, join(agents.git_dir, 'config'));
  // The attempt before ended between its push and the answer.
  const current = refs.branches.get(record.branch);
  if (current !== undefined && (await wasSent(own, current))) await notePushed(own, current);
  // Someone may have pushed to the task's branch meanwhile. If that is a fast-forward, it is taken over.
  notes.push(await takeOver(setting, refs, record.branch, PUSHED_REF));
  if (record.work_branch !== undefined) notes.push(await takeOver(setting, refs, record.work_branch, WORK_REF));
  const said = notes.filter((each) => each !== null);
  const note = said.length === 0 ? null : said.join('\n\n');
  return { ...record, commit: await agents.commit('HEAD'), note, lfs_note: null };
}

/** Whether the files are those of an earlier time: a volume was restored, or a crash of the machine lost writes. */
const isOlder = (record: WorkspaceRecord, { turn }: Expected): record is WorkspaceRecord & { turn: number } =>
  record.turn !== undefined && record.turn < turn;

/**
 * Brings what was pushed to a branch since `known` to the agent; the working tree takes it over if it only moves
 * forward. Returns what to say about it; null: the working tree has it already.
 */
async function takeOver(
  { repos, remote }: Setting,
  { branches }: RemoteRefs,
  branch: string,
  known: typeof PUSHED_REF | typeof WORK_REF,
): Promise<string | null> {
  const { own, agents } = repos;
  const current = branches.get(branch);
  const last = await own.commit(known);
  if (current === undefined || current === last) return null;
  await fetchBranches(own, remote, [branch], []);
  await agents.try(['fetch', '-q', '--no-tags', own.git_dir, `+${tracking(branch)}:${tracking(branch)}`]);
  const before = await agents.commit('HEAD');
  const { code } = await agents.try(['merge', '-q', '--ff-only', tracking(branch)]);
  // Where the worker's own refs were lost, the branch may have no more than what the task itself has pushed.
  if (code !== 0) return last !== null && (await isFinished(own, tracking(branch))) ? describeNotTaken(branch) : null;
  // What others have pushed is no work to push.
  await own.run(['update-ref', known, tracking(branch)]);
  const after = await agents.commit('HEAD');
  return before === after ? null : describeTaken({ branch, before, after });
}

/**
 * Makes the agent's `.git` anew where it does not work any more. What could be read of its commits is kept; the files
 * stay as they are, and the broken `.git` is moved to `found_dir`. Returns what to say about it.
 */
export async function repairAgents(
  { repos, remote, task, found_dir }: Setting,
  record: WorkspaceRecord,
  state: AgentState,
): Promise<string> {
  const { own, agents } = repos;
  const { head, fault } = state;
  const kept = head !== null && (await importCommits(repos, [head])).length > 0;
  if (kept) await own.run(['update-ref', HEAD_REF, head]);
  const moved = await moveAside([agents.git_dir], found_dir);
  const at = await own.commit(HEAD_REF);
  if (at !== null) await own.run(['read-tree', at]);
  await createAgents(repos, record, { url: remote.origin, author: task.author });
  // The new index knows no file yet.
  await agents.try(['update-index', '-q', '--refresh']);
  return describeRepair({ fault: fault ?? 'does not work', commit: at, kept, moved });
}

async function cloneAnew(
  { repos, remote, task, found_dir }: Setting,
  refs: RemoteRefs,
  expected: Expected,
): Promise<PreparedRepository> {
  const { own } = repos;
  const base_branch = chooseBaseBranch(refs, task);
  const branch = choosePushBranch(refs, task);
  const names = (await readdir(own.dir)).map((name) => join(own.dir, name));
  // Before the first turn, what is there beside the worker's own git directory is a part of an unfinished clone.
  const is_unfinished = expected.turn === 0 && (await stat(own.git_dir).catch(() => null)) !== null;
  const moved = is_unfinished ? null : await moveAside(names, found_dir);
  await Promise.all(names.map((path) => rm(path, { recursive: true, force: true })));
  await rm(own.git_dir, { recursive: true, force: true });
  const { work_branch } = task;
  const { commit, base_commit } = await checkOut(own, remote, { branch, base_branch, work_branch }, refs);
  // Before the index is copied, since a file with its content has another size than its pointer.
  const [lfs_note] = await Promise.all([own.has_lfs ? fetchLfs(own, remote) : null, writeExcludes(own)]);
  const named = { base_branch, base_commit, branch, ...(work_branch !== undefined && { work_branch }) };
  const record = { task_id: task.task_id, workspace: newWorkspaceId(), ...named, turn: 0 };
  await createAgents(repos, record, { url: remote.origin, author: task.author });
  // Written last: it marks the clone as complete.
  await writeRecord(own, record);
  const pushed = refs.branches.get(branch) ?? null;
  const where = { branch, base_branch, commit, pushed, moved };
  return { ...record, commit, note: expected.turn > 0 ? describeLoss(where) : null, lfs_note };
}
