import test from 'ava';
import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkInput } from '../../agent-container/base/work.ts';
import type { Worker } from '../../agent-container/worker.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import { git } from '../support/git-server.ts';
import { until } from '../support/until.ts';
import { callWorker } from '../support/worker-call.ts';
import { doing, setScene } from '../support/worker-scene.ts';

const hand = (worker: Worker, task: MockTask) => callWorker(worker.address, 'POST', '/task', task.assignment());
const write = (input: WorkInput, name: string, text: string) => writeFile(join(input.repo_dir, name), text);
const logs = (task: MockTask) => task.events.flatMap((event) => (event.type === 'log' ? [event.body.text] : []));

test.serial('files that the agent adds and git leaves out are named once, before the push', async (t) => {
  const { task, start, bare } = await setScene(t, {
    files: { 'README.md': 'x', '.gitignore': 'exports/\n.env\nvendor/node_modules/\n', 'node_modules/a/index.js': 'a' },
  });
  const answers: (string | null)[] = [];
  const worker = await start(
    doing(async (input) => {
      await mkdir(join(input.repo_dir, 'exports'));
      await mkdir(join(input.repo_dir, 'vendor/node_modules/x'), { recursive: true });
      const before = join(input.repo_dir, 'vendor/node_modules/x/index.js');
      await writeFile(before, '');
      // The time of a file is that of its last clock tick.
      const { ctimeMs } = await stat(before);
      await until('the clock has left the time of the file behind', () => Date.now() > ctimeMs + 50);
      await input.report.emit({ type: 'step.started', body: { step: 'work' } });
      await write(input, 'exports/app.js', '1');
      await write(input, '.env', 'A=b');
      await write(input, 'node_modules/a/new.js', 'n');
      answers.push(await input.deliver('One'), await input.deliver('Two'));
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.regex(answers[0] ?? '', /\.env is ignored[^]*exports\/ is ignored/);
  t.notRegex(answers[0] ?? '', /node_modules/);
  t.is(answers[1], null);
  t.is(
    await git(bare, 'show', `${task.base.branch}:node_modules/a/new.js`),
    'n',
    'a tracked folder gets its new files',
  );
  t.true(logs(task).includes(answers[0] ?? ''));
});

const PUBLIC_KEY = 'AIzaSyB9kQ3vZ7mLr2sWd8xTnHf4pGc6yJe1uAo';
const ofPublicKey = (end: string) =>
  `web.js contains a Google API key, which may be public, as in the page of an app, and ${end}`;

test.serial('a key that may be public is pushed, and people are told once, wherever its line moves', async (t) => {
  const { task, start, bare } = await setScene(t, { assignment: { env: { API_TOKEN: 'correct-horse-battery-7' } } });
  const answers: (string | null)[] = [];
  const worker = await start(
    doing(async (input) => {
      await write(input, 'web.js', `// a page\nfirebase({ apiKey: '${PUBLIC_KEY}' });\n`);
      await input.checkpoint();
      await write(input, 'web.js', `// a page\n// of an app\nfirebase({ apiKey: '${PUBLIC_KEY}' });\n`);
      answers.push(await input.deliver('One'));
      // Many of them hide no secret.
      await write(input, 'more.js', `${`'${PUBLIC_KEY}'\n`.repeat(60)}correct-horse-battery-7\n`);
      answers.push(await input.deliver('Two'));
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.is(answers[0], null);
  t.regex(await git(bare, 'show', `${task.base.branch}:web.js`), new RegExp(PUBLIC_KEY));
  t.deepEqual(
    logs(task).filter((text) => text.includes('Google')),
    [ofPublicKey('is pushed. If it is not, revoke it.')],
    'what was refused was not pushed',
  );
  t.regex(answers[1] ?? '', /more\.js:61 contains the value of API_TOKEN/);
  t.notRegex(answers[1] ?? '', /Google/);
  t.true(task.current.result?.diff.includes(PUBLIC_KEY));
});

test.serial('a key that may be public and waits for an approval is not said to be pushed', async (t) => {
  const { task, start } = await setScene(t, { assignment: { ask_before_push: true } });
  const worker = await start(
    doing(async (input) => {
      await write(input, 'web.js', `'${PUBLIC_KEY}'\n`);
      await input.checkpoint();
      await input.deliver('One');
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.deepEqual(logs(task), [ofPublicKey('would be pushed. If it is not, have it taken out first.')]);
});

const TOKENS: Record<string, string> = {
  'the value of a secret': 'token = "correct-horse-battery-7"',
  'its base64': `auth=${Buffer.from('correct-horse-battery-7').toString('base64')}`,
  'a GitHub token': 'x: ghp_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6',
  'an AWS key': 'AKIAQ3EGTVHUK5MZ2ABC',
  'an npm token': '//registry.npmjs.org/:_authToken=3f1c9a52-8b7e-4d60',
  'an Anthropic key': 'sk-ant-api03-Zk3vQ9wXr7LmT2pB8cYd',
  'a private key': '-----BEGIN OPENSSH PRIVATE KEY-----',
  'a private key in a string': "key: 'MC4CAQAwBQYDK2VwBCIEIKz8vQ3tWm5sRb1nYc7dFh2jLx9pUe4g'",
  'a Slack token': 'xoxb-2345678901-3456789012-Zk3vQ9wXr7LmT2pB8cYdN5hG',
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
    t.regex(
      task.current.result?.detail ?? '',
      /\.npmrc:2 contains[^]*\n\n[^]*not at the forge[^]*Reply[^]*without that file/,
    );
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
    t.regex(task.current.result?.detail ?? '', /Reply how it is to go on\.$/);
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
  t.regex(answers[0] ?? '', /lib\/ is a submodule/);
});

test.serial('a long line with a secret may be removed; one that is added is found to its end', async (t) => {
  const secret = 'ghp_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6';
  const long = `${'x '.repeat(700_000)}${secret}\n`;
  const { start, task } = await setScene(t, { files: { 'old.txt': long, 'b.txt': 'b\n' } });
  const said: (string | null)[] = [];
  const worker = await start(
    doing(async (input) => {
      await write(input, 'old.txt', 'short\n');
      said.push(await input.deliver('Shorten it'));
      await write(input, 'new.txt', `\n${long}`);
      said.push(await input.deliver('Lengthen it'));
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.is(said[0], null);
  t.regex(said[1] ?? '', /new\.txt:2 contains a GitHub token/);
});
