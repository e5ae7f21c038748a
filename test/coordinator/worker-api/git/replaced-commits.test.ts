import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { pushedCommits } from '../../../../coordinator/worker-api/git/pushed-commits.ts';
import { SAMPLE_REPO_URL } from '../../../../protocol/task.ts';
import { cloneWithWork, commit, CREDENTIAL, setUp } from '../../../support/git-proxy-scene.ts';
import { git, tryGit } from '../../../support/git-server.ts';
import { startApi } from '../../../support/start-api.ts';

/** A task with a branch of its own, to which it has pushed one commit. */
async function scene(t: ExecutionContext) {
  const { log, person } = await startApi(t);
  const task = await (await person()).api.call('createTask', { body: { prompt: 'Work', repo_url: SAMPLE_REPO_URL } });
  const setting = await setUp(t, { pushed: pushedCommits(log) }, CREDENTIAL, task.id);
  const bare = join(setting.forge.root, 'team/app');
  const branch = `${setting.prefix}work`;
  const clone = await cloneWithWork(setting);
  await git(clone, 'push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
  /** Somebody else commits to the branch. */
  const byAnother = async () => {
    const made = await git(bare, 'commit-tree', `${branch}^{tree}`, '-p', branch, '-m', 'Theirs');
    await git(bare, 'update-ref', `refs/heads/${branch}`, made);
    return made;
  };
  const force = () => tryGit(clone, 'push', '--porcelain', '--force', 'origin', `HEAD:refs/heads/${branch}`);
  const tip = () => git(bare, 'rev-parse', branch);
  return { ...setting, clone, branch, byAnother, force, tip };
}

test('a task replaces what it has pushed itself', async (t) => {
  const { clone, force, tip } = await scene(t);
  await git(clone, 'commit', '--quiet', '--amend', '--message=Better');
  t.true((await force()).ok);
  t.is(await tip(), await git(clone, 'rev-parse', 'HEAD'));
});

test("a force-push over somebody else's commit on the branch of a task is refused", async (t) => {
  const { clone, force, tip, byAnother } = await scene(t);
  const theirs = await byAnother();
  await git(clone, 'fetch', '--quiet');
  await git(clone, 'commit', '--quiet', '--amend', '--message=Better');
  const refused = await force();
  t.false(refused.ok);
  t.regex(refused.stdout, new RegExp(`would lose the commit ${theirs.slice(0, 12)} of somebody else`));
  t.is(await tip(), theirs);
});

test('a commit that contains what somebody else has pushed goes on top of it', async (t) => {
  const { clone, branch, force, tip, byAnother } = await scene(t);
  await byAnother();
  await git(clone, 'fetch', '--quiet', 'origin', branch);
  await git(clone, 'merge', '--quiet', 'FETCH_HEAD');
  await commit(clone, 'more.txt', 'more\n');
  const pushed = await force();
  t.true(pushed.ok, pushed.stdout + pushed.stderr);
  t.is(await tip(), await git(clone, 'rev-parse', 'HEAD'));
});

test('a commit on top of what somebody else has pushed is read also where most of a file is theirs', async (t) => {
  const { clone, branch, force, tip, byAnother } = await scene(t);
  const lines = (changed: string) => Array.from({ length: 2_000 }, (_, i) => `${i * 7919} ${i === 9 ? changed : ''}\n`);
  await commit(clone, 'long.txt', lines('first').join(''));
  t.true((await force()).ok);
  await byAnother();
  await git(clone, 'fetch', '--quiet', 'origin', branch);
  await git(clone, 'merge', '--quiet', 'FETCH_HEAD');
  await commit(clone, 'long.txt', lines('second').join(''));
  const pushed = await force();
  t.true(pushed.ok, pushed.stdout + pushed.stderr);
  t.is(await tip(), await git(clone, 'rev-parse', 'HEAD'));
});

/** What a task may do before it replaces a branch that has, or had, a commit of somebody else. */
const BEFORE: Record<string, (clone: string, branch: string) => Promise<unknown>> = {
  'one push on top of it': (clone, branch) => pushOnTop(clone, branch),
  'two pushes on top of it': async (clone, branch) => {
    await pushOnTop(clone, branch);
    await commit(clone, 'again.txt', 'again\n');
    await git(clone, 'push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
  },
  'a push on top that was replaced by another one': async (clone, branch) => {
    await pushOnTop(clone, branch);
    await git(clone, 'commit', '--quiet', '--amend', '--message=Reworded');
    await git(clone, 'push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${branch}`);
  },
  'a push of it to another branch of the task': (clone, branch) =>
    git(clone, 'push', '--quiet', 'origin', `FETCH_HEAD:refs/heads/${branch}-b`),
  'a push of it to the branch that has it': (clone, branch) =>
    tryGit(clone, 'push', '--porcelain', '--force', 'origin', `FETCH_HEAD:refs/heads/${branch}`),
  'a push of all on top to another branch first': async (clone, branch) => {
    await git(clone, 'merge', '--quiet', 'FETCH_HEAD');
    await commit(clone, 'more.txt', 'more\n');
    await git(clone, 'push', '--quiet', 'origin', `HEAD:refs/heads/${branch}-b`);
    await git(clone, 'push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
  },
};

async function pushOnTop(clone: string, branch: string): Promise<void> {
  await git(clone, 'merge', '--quiet', 'FETCH_HEAD');
  await commit(clone, 'more.txt', 'more\n');
  await git(clone, 'push', '--quiet', 'origin', `HEAD:refs/heads/${branch}`);
}

for (const [what, before] of Object.entries(BEFORE))
  test(`somebody else's commit stays on the branch after ${what}`, async (t) => {
    const { clone, branch, force, tip, byAnother } = await scene(t);
    const own = await git(clone, 'rev-parse', 'HEAD');
    const theirs = await byAnother();
    await git(clone, 'fetch', '--quiet', 'origin', branch);
    await before(clone, branch);
    const present = await tip();
    for (const lost of [own, `${own}^`]) {
      await git(clone, 'reset', '--quiet', '--hard', lost);
      if (lost !== own) await commit(clone, 'other.txt', 'other\n');
      const refused = await force();
      t.false(refused.ok);
      t.regex(refused.stdout, new RegExp(`would lose the commit ${theirs.slice(0, 12)} of somebody else`));
      t.is(await tip(), present);
    }
  });

test('what the task has put on top of the commit of somebody else may be replaced', async (t) => {
  const { clone, branch, force, tip, byAnother } = await scene(t);
  await byAnother();
  await git(clone, 'fetch', '--quiet', 'origin', branch);
  await pushOnTop(clone, branch);
  const first = await git(clone, 'rev-parse', 'HEAD');
  await commit(clone, 'second.txt', 'second\n');
  t.true((await force()).ok);
  await git(clone, 'commit', '--quiet', '--amend', '--message=Better');
  t.true((await force()).ok, 'its last commit, on one that only the repository has in between');
  await git(clone, 'reset', '--quiet', '--hard', first);
  t.true((await force()).ok, 'back to an earlier one of its own');
  t.is(await tip(), first);
});

test('a pack of too many objects is not read', async (t) => {
  const { clone, branch, force, tip, byAnother } = await scene(t);
  const theirs = await byAnother();
  await git(clone, 'fetch', '--quiet', 'origin', branch);
  await git(clone, 'merge', '--quiet', 'FETCH_HEAD');
  const blobs = Array.from({ length: 50_001 }, (_, i) => `blob\nmark :${i + 1}\ndata ${String(i).length}\n${i}\n`);
  const files = blobs.map((_, i) => `M 100644 :${i + 1} ${i % 100}/${i}\n`);
  const from = await git(clone, 'rev-parse', 'HEAD');
  const head = `commit refs/heads/many\ncommitter A <a@b> 1 +0000\ndata 4\nMany\nfrom ${from}\n`;
  await feed(clone, ['fast-import', '--quiet'], `${blobs.join('')}${head}${files.join('')}\n`);
  await git(clone, 'reset', '--quiet', '--soft', 'many');
  t.false((await force()).ok);
  t.is(await tip(), theirs);
});

/** Runs git with this input. */
async function feed(cwd: string, args: string[], input: string): Promise<void> {
  const child = execFile('git', args, { cwd });
  child.stdin?.end(input);
  await once(child, 'close');
}

test('a commit with more parents than the server lists is refused', async (t) => {
  const { clone, branch, tip, byAnother } = await scene(t);
  const theirs = await byAnother();
  await git(clone, 'fetch', '--quiet', 'origin', branch);
  const tree = await git(clone, 'rev-parse', 'HEAD^{tree}');
  const [parents, by] = [`parent ${theirs}\n`.repeat(420_000), 'A <a@b> 1 +0000'];
  const content = `tree ${tree}\n${parents}author ${by}\ncommitter ${by}\n\nMany\n`;
  await writeFile(join(clone, 'many'), content);
  const commit_id = await git(clone, 'hash-object', '-t', 'commit', '-w', 'many');
  const pushed = await tryGit(clone, 'push', '--force', 'origin', `${commit_id}:refs/heads/${branch}`);
  t.false(pushed.ok);
  t.is(await tip(), theirs);
});
