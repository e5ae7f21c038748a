import test from 'ava';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkInput } from '../../agent-container/base/work.ts';
import type { Worker } from '../../agent-container/worker.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import { git } from '../support/git-server.ts';
import { callWorker } from '../support/worker-call.ts';
import { doing, setScene } from '../support/worker-scene.ts';

/* What is in the way of a push, and is no reason not to make it. */

const hand = (worker: Worker, task: MockTask) => callWorker(worker.address, 'POST', '/task', task.assignment());
const write = (input: WorkInput, name: string, text: string) => writeFile(join(input.repo_dir, name), text);
const logs = (task: MockTask) => task.events.flatMap((event) => (event.type === 'log' ? [event.body.text] : []));

test.serial('where the model has no turn left, what is left out keeps nothing else from being pushed', async (t) => {
  const { task, start, bare } = await setScene(t, { files: { 'README.md': 'x', '.gitignore': 'exports/\n' } });
  const answers: (string | null)[] = [];
  const worker = await start(
    doing(async (input) => {
      await input.report.emit({ type: 'step.started', body: { step: 'work' } });
      await mkdir(join(input.repo_dir, 'exports'));
      await write(input, 'exports/app.js', '1');
      await write(input, 'a.txt', 'a\n');
      answers.push(await input.deliver('It', true));
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.deepEqual(answers, [null]);
  t.is(await git(bare, 'ls-tree', '--name-only', task.base.branch), '.gitignore\nREADME.md\na.txt');
  t.is(logs(task).filter((text) => text.includes('exports/ is ignored')).length, 1, 'the person is told once');
});

test.serial('finished work that is only in a stash or on another branch is named before the end', async (t) => {
  const { task, start } = await setScene(t, { files: { 'a.py': 'a = 1\n' } });
  const answers: (string | null)[] = [];
  const worker = await start(
    doing(async (input) => {
      await input.report.emit({ type: 'step.started', body: { step: 'work' } });
      await write(input, 'a.py', 'a = 2\n');
      await git(input.repo_dir, 'stash', '-q');
      answers.push((await input.review()).text, await input.deliver('One'));
      await git(input.repo_dir, 'switch', '-q', '-c', 'fix');
      await write(input, 'a.py', 'a = 3\n');
      await git(input.repo_dir, 'commit', '-q', '-am', 'Fix');
      await git(input.repo_dir, 'switch', '-q', '-');
      answers.push(await input.deliver('Two'), await input.deliver('Three'));
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  const [stash, told, branch, again] = answers;
  t.regex(stash ?? '', /leaves out:\n- what stash@\{0\} has of a\.py: git stash drop removes it if/);
  t.regex(branch ?? '', /leaves out:\n- what the branch fix has of a\.py: merge it/);
  t.deepEqual([told, again], [null, null], 'each is told once');
  t.is(logs(task).filter((text) => text.includes('a.py')).length, 2, 'the person is told too');
});

test.serial('an output that the commit would add is named once, and pushed where it is to belong there', async (t) => {
  const { task, start, bare } = await setScene(t);
  const answers: (string | null)[] = [];
  const worker = await start(
    doing(async (input) => {
      await mkdir(join(input.repo_dir, 'venv'));
      await write(input, 'venv/pyvenv.cfg', 'x');
      answers.push((await input.review()).text);
      await mkdir(join(input.repo_dir, 'htmlcov'));
      await write(input, 'htmlcov/index.html', 'x');
      answers.push(await input.deliver('One'), await input.deliver('Two'));
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  const [first, second, third] = answers;
  t.regex(first ?? '', /Add it to \.gitignore[^]*:\n- venv\/, a virtual environment$/);
  t.regex(second ?? '', /:\n- htmlcov\/$/);
  t.is(third, null);
  t.is(await git(bare, 'ls-tree', '--name-only', task.base.branch), 'README.md\nhtmlcov\nvenv');
});

test.serial('a folder of the repository that the agent removed is made anew, and the model is told', async (t) => {
  const { task, start, bare } = await setScene(t);
  const answers: (string | null)[] = [];
  const worker = await start(
    doing(async (input) => {
      await rm(input.repo_dir, { recursive: true });
      await input.checkpoint();
      answers.push(await input.deliver('It'));
      await git(input.repo_dir, 'checkout', '-q', '.');
      await write(input, 'a.txt', 'a\n');
      answers.push(await input.deliver('It'));
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.regex(answers[0] ?? '', /The \.git folder of the repository is missing[^]*every file of the repository is deleted/);
  t.is(answers[1], null);
  t.is(await git(bare, 'ls-tree', '--name-only', task.base.branch), 'README.md\na.txt');
});

test.serial('a commit message of the model with a NUL character is no obstacle', async (t) => {
  const { task, start, bare } = await setScene(t);
  const worker = await start(
    doing(async (input) => {
      await write(input, 'a.txt', 'a\n');
      t.is(await input.deliver('Read \0 as a character'), null);
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.is(await git(bare, 'log', '-1', '--format=%s', task.base.branch), 'Read  as a character');
});

test.serial('the lock of a git that was killed is no reason to fetch the repository again', async (t) => {
  const { task, start, config, git: server } = await setScene(t);
  const fetches = () => server.requests.filter(({ url }) => url.endsWith('/git-upload-pack')).length;
  const seen: number[] = [];
  const worker = await start(
    doing(async (input) => {
      seen.push(fetches());
      for (const lock of ['index.lock', 'HEAD.lock', 'refs/errand/head.lock'])
        await writeFile(join(config().workspace_dir, 'git', lock), '');
      await write(input, 'a.txt', 'a\n');
      t.is(await input.deliver('It'), null);
      seen.push(fetches());
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.is(seen[1], seen[0]);
});
