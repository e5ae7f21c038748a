import type { ExecutionContext } from 'ava';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { commitIdentity } from '../../agent-container/shell/command-env.ts';
import { push } from '../../agent-container/git/push.ts';
import type { Remote } from '../../agent-container/git/remote.ts';
import { repositories, type Repositories } from '../../agent-container/git/repositories.ts';
import { prepareRepository, type Expected } from '../../agent-container/git/repository.ts';
import { isWip } from '../../agent-container/git/wip-commit.ts';
import { readRecord } from '../../agent-container/git/workspace-record.ts';
import { commitWorktree } from '../../agent-container/git/worktree-commit.ts';
import { newId } from '../../protocol/ids.ts';
import { memoryFolder } from './folder.ts';
import { git as plainGit, startGitServer } from './git-server.ts';

/** There is no transcript yet. */
export const NOTHING_EXPECTED: Expected = { turn: 0, workspace: null, base_commit: null };

/** A repository on a real git server, and a task that works in it, without a coordinator between them. */
export async function setRepositoryScene(t: ExecutionContext, files?: Record<string, string | Buffer>) {
  const folder = await memoryFolder(t);
  const server = await startGitServer();
  t.teardown(() => server.close());
  const url = await server.createRepository('repo', files);
  const bare = join(server.root, 'repo');
  const task_id = newId();
  const task = {
    task_id,
    attempt: 1,
    base_branch: null as string | null,
    branch: `errand/${task_id}-x`,
    repo_url: url,
    author: { name: 'Errand', email: 'errand@localhost' },
  };
  const remote: Remote = { url, repo_url: url, origin: url, takeGitFailure: () => null };
  const clone = (name = 'work', signal = new AbortController().signal) => {
    const env = { PATH: process.env.PATH ?? '', ...commitIdentity(task.author) };
    return repositories(join(folder, name), env, signal);
  };
  const found_dir = join(folder, 'found');
  const prepare = (
    repos: Repositories,
    expected: Expected = NOTHING_EXPECTED,
    given: typeof task & { work_branch?: string } = task,
  ) => prepareRepository({ repos, remote, task: given, found_dir }, expected);
  const write = async ({ own }: Repositories, path: string, content: string | Buffer) => {
    await mkdir(dirname(join(own.dir, path)), { recursive: true });
    await writeFile(join(own.dir, path), content);
  };
  /** Commits and pushes everything. */
  let pushed_branch = task.branch;
  const publish = async (repos: Repositories, message = 'Change') => {
    const { commit, excluded } = await commitWorktree(repos, message);
    if (commit === null) return { commit: '', excluded, branch: null };
    const { base_commit = null } = (await readRecord(repos.own)) ?? {};
    const given = { commit, is_exact: false, wip: isWip(message), base_commit };
    const pushed = await push(repos.own, remote, pushed_branch, given);
    pushed_branch = pushed.branch;
    return { ...pushed, excluded };
  };
  /** Someone else commits to a branch. */
  const byAnother = async (branch: string, path: string, text = 'by another\n') => {
    const dir = await mkdtemp(join(folder, 'person-'));
    await plainGit(folder, 'clone', '-q', '--branch', branch, bare, dir);
    await writeFile(join(dir, path), text);
    await plainGit(dir, 'add', path);
    await plainGit(dir, 'commit', '-q', '-m', 'By another');
    await plainGit(dir, 'push', '-q', 'origin', branch);
  };
  const names = (branch: string) =>
    plainGit(bare, 'ls-tree', '-r', '--name-only', branch).then((out) => out.split('\n'));
  return { folder, found_dir, server, bare, task, remote, clone, prepare, write, publish, byAnother, names };
}
