import test from 'ava';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sleep } from '../../agent-container/base/sleep.ts';
import type { WorkInput } from '../../agent-container/base/work.ts';
import type { Worker } from '../../agent-container/worker.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import { git } from '../support/git-server.ts';
import { callWorker } from '../support/worker-call.ts';
import { doing, setScene } from '../support/worker-scene.ts';

const hand = (worker: Worker, task: MockTask) => callWorker(worker.address, 'POST', '/task', task.assignment());
const write = (input: WorkInput, name: string, text: string) => writeFile(join(input.repo_dir, name), text);
const hook = (bare: string, name: string, script: string) =>
  writeFile(join(bare, 'hooks', name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
const logs = (task: MockTask) => task.events.flatMap((event) => (event.type === 'log' ? [event.body.text] : []));

test.serial("the forge's own lines reach the model, who may fix it and push again", async (t) => {
  const { task, start, bare } = await setScene(t);
  await hook(
    bare,
    'pre-receive',
    String.raw`read old new ref; git cat-file -e "$new:ok.txt" && exit 0
printf 'every push needs \033[31mok.txt\033[0m\nask \007ann@example.org\n' >&2; exit 1`,
  );
  const answers: (string | null)[] = [];
  const worker = await start(
    doing(async (input) => {
      await write(input, 'a.txt', 'a\n');
      answers.push(await input.deliver('First try'));
      await write(input, 'ok.txt', 'ok\n');
      answers.push(await input.deliver('Second try'));
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.regex(answers[0] ?? '', /pre-receive hook declined[^]*every push needs ok\.txt\n {2}ask  ?ann@example\.org/);
  t.is(answers[1], null);
  t.true(logs(task).includes(answers[0] ?? ''), 'the person hears the same');
  t.like(task.current.result, { status: 'succeeded', branch: task.base.branch });
  t.is(await git(bare, 'log', '--format=%s', task.base.branch), 'Second try\nFirst');
});

test.serial('what a forge refuses for good ends with its lines and with the diff', async (t) => {
  const { task, start, bare } = await setScene(t);
  await hook(bare, 'update', 'echo "GH006: Protected branch update failed for $1" >&2; exit 1');
  const worker = await start(doing((input) => write(input, 'a.txt', 'a\n')));
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.like(task.current.result, { status: 'failed', reason: 'push_rejected', branch: null, commit: null });
  t.regex(task.current.result?.detail ?? '', /hook declined[^]*GH006: Protected branch update failed/);
  t.regex(task.current.result?.diff ?? '', /\+a/);
  t.like(task.current.result?.diff_stat, { files: 1, insertions: 1 });
});

test.serial('a refusal after a push of work in progress names the branch that is there', async (t) => {
  const { task, start, bare } = await setScene(t);
  const worker = await start(
    doing(async (input) => {
      await write(input, 'a.txt', 'a\n');
      await input.checkpoint();
      await hook(bare, 'pre-receive', 'echo closed >&2; exit 1');
      await write(input, 'b.txt', 'b\n');
      await input.checkpoint();
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  const { result } = task.current;
  t.like(result, { status: 'failed', reason: 'push_rejected', branch: task.base.branch });
  t.is(result?.commit, await git(bare, 'rev-parse', task.base.branch));
  t.regex(result?.diff ?? '', /b\.txt/, 'the diff has what could not be pushed too');
  t.true(logs(task).some((text) => text.includes('closed')));
});

for (const [what, other] of Object.entries({ errand: 'errand', 'the id': 'errand/ID-do-it/more' }))
  test.serial(`a branch in the way (${what}) is known before the work, and another name is used`, async (t) => {
    const { task, start, bare } = await setScene(t);
    await git(bare, 'branch', other.replace('errand/ID-do-it', task.base.branch), 'main');
    const seen: string[] = [];
    const worker = await start(
      doing(async (input) => {
        seen.push(input.assignment.branch);
        await write(input, 'a.txt', 'a\n');
      }),
    );
    await hand(worker, task);
    t.is(await worker.ended, 0);
    const flat = task.base.branch.replaceAll('/', '-');
    t.deepEqual(seen, [flat]);
    t.like(task.current.result, { status: 'succeeded', branch: flat });
    t.is(await git(bare, 'show', `${flat}:a.txt`), 'a');
  });

test.serial('a branch that gets in the way during the work changes the name at the push', async (t) => {
  const { task, start, bare } = await setScene(t);
  const worker = await start(
    doing(async (input) => {
      await write(input, 'a.txt', 'a\n');
      await git(bare, 'branch', 'errand', 'main');
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.like(task.current.result, { status: 'succeeded', branch: task.base.branch.replaceAll('/', '-') });
});

test.serial('a forge that lets no branch be replaced gets the final work on a branch next to it', async (t) => {
  const { task, start, bare } = await setScene(t);
  await git(bare, 'config', 'receive.denyNonFastForwards', 'true');
  const worker = await start(
    doing(async (input) => {
      await write(input, 'a.txt', 'a\n');
      await input.checkpoint();
      await write(input, 'b.txt', 'b\n');
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.like(task.current.result, { status: 'succeeded', branch: `${task.base.branch}-1` });
  t.is(await git(bare, 'log', '--format=%s', `${task.base.branch}-1`), 'Do it\nFirst');
});

test.serial('files that the agent adds and git leaves out are named once, before the push', async (t) => {
  const { task, start, bare } = await setScene(t, {
    files: { 'README.md': 'x', '.gitignore': 'build/\n.env\nvendor/node_modules/\n', 'node_modules/a/index.js': 'a' },
  });
  const answers: (string | null)[] = [];
  const worker = await start(
    doing(async (input) => {
      await mkdir(join(input.repo_dir, 'build'));
      await mkdir(join(input.repo_dir, 'vendor/node_modules/x'), { recursive: true });
      await writeFile(join(input.repo_dir, 'vendor/node_modules/x/index.js'), '');
      await sleep(50, input.signal);
      await input.report.emit({ type: 'step.started', body: { step: 'work' } });
      await write(input, 'build/app.js', '1');
      await write(input, '.env', 'A=b');
      await write(input, 'node_modules/a/new.js', 'n');
      answers.push(await input.deliver('One'), await input.deliver('Two'));
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.regex(answers[0] ?? '', /\.env is ignored[^]*build\/ \(1 file\) is ignored/);
  t.notRegex(answers[0] ?? '', /node_modules/);
  t.is(answers[1], null);
  t.is(
    await git(bare, 'show', `${task.base.branch}:node_modules/a/new.js`),
    'n',
    'a tracked folder gets its new files',
  );
  t.true(logs(task).includes(answers[0] ?? ''));
});

const TOKENS: Record<string, string> = {
  'the value of a secret': 'token = "correct-horse-battery-7"',
  'its base64': `auth=${Buffer.from('correct-horse-battery-7').toString('base64')}`,
  'a GitHub token': 'x: ghp_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6',
  'an AWS key': 'AKIAQ3EGTVHUK5MZ2ABC',
  'an npm token': '//registry.npmjs.org/:_authToken=3f1c9a52-8b7e-4d60',
  'an Anthropic key': 'sk-ant-api03-Zk3vQ9wXr7LmT2pB8cYd',
  'a private key': '-----BEGIN OPENSSH PRIVATE KEY-----',
  'a Slack token': 'xoxb-1234-56789-AbCdEfGhIj',
};
for (const [what, line] of Object.entries(TOKENS))
  test.serial(`${what} stops the push, is named by file and line, and is not shown`, async (t) => {
    const { task, start, bare } = await setScene(t, { assignment: { env: { API_TOKEN: 'correct-horse-battery-7' } } });
    const answers: (string | null)[] = [];
    const worker = await start(
      doing(async (input) => {
        await write(input, '.npmrc', `one\n${line}\n`);
        await input.checkpoint();
        answers.push(await input.deliver('It'));
        await input.deliver('It');
      }),
    );
    await hand(worker, task);
    t.is(await worker.ended, 0);
    t.regex(answers[0] ?? '', /\.npmrc:2 contains/);
    t.like(task.current.result, { status: 'failed', reason: 'push_rejected', commit: null, branch: null });
    const everything = JSON.stringify([task.events, task.current.result]);
    const value = /[\w/+=-]{12,}/g.exec(line.replace(/^.*(=|: ?)/, ''))?.[0] ?? line;
    if (what !== 'a private key') t.false(everything.includes(value), value);
    t.regex(task.current.result?.diff ?? '', /npmrc/);
    t.is(await git(bare, 'branch', '--list', 'errand/*'), '');
  });

test.serial('a secret in an earlier commit or message stops the push too; what the remote has does not', async (t) => {
  const secret = 'ghp_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6';
  const { task, start } = await setScene(t, { files: { 'known.txt': `${secret}\nold\n` } });
  const answers: (string | null)[] = [];
  const worker = await start(
    doing(async (input) => {
      await write(input, 'known.txt', `${secret}\nnew\n`);
      answers.push(await input.deliver('Known'));
      await write(input, 'a.txt', secret);
      await git(input.repo_dir, 'add', '.');
      await git(input.repo_dir, 'commit', '-q', '-m', 'With it');
      await write(input, 'a.txt', 'clean\n');
      await git(input.repo_dir, 'commit', '-qa', '-m', `Without ${secret}`);
      answers.push(await input.deliver('Clean'));
      await git(input.repo_dir, 'reset', '-q', '--soft', 'HEAD~2');
      answers.push(await input.deliver('Clean'));
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.is(answers[0], null);
  t.regex(answers[1] ?? '', /a\.txt:1 in the commit [0-9a-f]{12} contains a GitHub token/);
  t.regex(answers[1] ?? '', /the message of the commit [0-9a-f]{12} contains/);
  t.is(answers[2], null);
  t.is(task.current.result?.status, 'succeeded');
});

const STATES: Record<string, [change: (dir: string) => Promise<unknown>, says: RegExp]> = {
  'an unfinished rebase': [
    async (dir) => {
      const own = await git(dir, 'branch', '--show-current');
      await git(dir, 'branch', 'side');
      for (const [branch, text] of [
        ['side', '1'],
        [own, '2'],
      ] as const) {
        await git(dir, 'checkout', '-q', branch);
        await writeFile(join(dir, 'README.md'), text);
        await git(dir, 'commit', '-qam', text);
      }
      await git(dir, 'rebase', 'side').catch(() => undefined);
    },
    /a rebase is not finished/,
  ],
  'conflict markers': [
    (dir) => writeFile(join(dir, 'README.md'), '<<<<<<< HEAD\na\n=======\nb\n>>>>>>> side\n'),
    /conflict markers in README\.md/,
  ],
  'everything deleted': [(dir) => git(dir, 'rm', '-rq', '.'), /every file of the repository is deleted/],
  'a repository added as a link': [
    async (dir) => {
      await git(dir, 'init', '-q', 'inner');
      await git(join(dir, 'inner'), 'commit', '-q', '--allow-empty', '-m', 'x');
      await git(dir, 'add', 'inner');
      await git(dir, 'commit', '-q', '-m', 'inner');
    },
    /inner is a repository of its own/,
  ],
  'another history': [
    async (dir) => {
      await git(dir, 'checkout', '-q', '--orphan', 'other');
      await git(dir, 'commit', '-q', '-m', 'other');
    },
    /does not contain the commit/,
  ],
  'a file of Git LFS': [
    async (dir) => {
      await writeFile(join(dir, '.gitattributes'), '*.psd filter=lfs diff=lfs merge=lfs -text\n');
      await writeFile(join(dir, 'a.psd'), 'raw');
    },
    /a\.psd is stored with Git LFS/,
  ],
};
for (const [what, [change, says]] of Object.entries(STATES))
  test.serial(`the work does not end with ${what}`, async (t) => {
    const { task, start } = await setScene(t);
    const answers: (string | null)[] = [];
    const worker = await start(
      doing(async (input) => {
        await change(input.repo_dir);
        answers.push(await input.deliver('It'));
      }),
    );
    await hand(worker, task);
    t.is(await worker.ended, 0);
    t.regex(answers[0] ?? '', says);
    t.like(task.current.result, { status: 'failed', reason: 'push_rejected' });
    t.regex(task.current.result?.detail ?? '', says);
  });

test.serial('a .git that the agent removed is made anew before the last push, and the model is told', async (t) => {
  const { task, start, bare } = await setScene(t);
  const answers: (string | null)[] = [];
  const worker = await start(
    doing(async (input) => {
      await write(input, 'a.txt', 'a\n');
      await rm(join(input.repo_dir, '.git'), { recursive: true });
      answers.push(await input.deliver('It'), await input.deliver('It'));
      t.is(await readFile(join(input.repo_dir, 'a.txt'), 'utf8'), 'a\n');
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.regex(answers[0] ?? '', /The \.git folder of the repository is missing/);
  t.is(answers[1], null);
  t.is(await git(bare, 'show', `${task.base.branch}:a.txt`), 'a');
});

test.serial("damage to the worker's own git directory during the work is repaired from the remote", async (t) => {
  const { task, start, bare, config } = await setScene(t);
  const worker = await start(
    doing(async (input) => {
      await write(input, 'a.txt', 'a\n');
      await input.checkpoint();
      await rm(join(config().workspace_dir, 'git/objects'), { recursive: true });
      await write(input, 'b.txt', 'b\n');
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.like(task.current.result, { status: 'succeeded', branch: task.base.branch });
  t.is(await git(bare, 'ls-tree', '--name-only', task.base.branch), 'README.md\na.txt\nb.txt');
});

test.serial('files below a submodule are named as left out', async (t) => {
  const { task, start } = await setScene(t);
  const answers: (string | null)[] = [];
  const worker = await start(
    doing(async ({ repo_dir, ...input }) => {
      await writeFile(join(repo_dir, '.gitmodules'), '[submodule "lib"]\n\tpath = lib\n\turl = ../lib\n');
      const commit = await git(repo_dir, 'rev-parse', 'HEAD');
      await git(repo_dir, 'update-index', '--add', '--cacheinfo', `160000,${commit},lib`);
      await git(repo_dir, 'add', '.gitmodules');
      await git(repo_dir, 'commit', '-q', '-m', 'A submodule');
      await mkdir(join(repo_dir, 'lib/src'), { recursive: true });
      await writeFile(join(repo_dir, 'lib/src/new.js'), 'new');
      answers.push(await input.deliver('It'));
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.regex(answers[0] ?? '', /lib\/ \(1 file\) is a submodule/);
});
