import test from 'ava';
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Review, WorkInput } from '../../agent-container/base/work.ts';
import type { Worker } from '../../agent-container/worker.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import { git } from '../support/git-server.ts';
import { callWorker } from '../support/worker-call.ts';
import { doing, setScene } from '../support/worker-scene.ts';

const hand = (worker: Worker, task: MockTask) => callWorker(worker.address, 'POST', '/task', task.assignment());
const NOT_PUSHED = { has_pushed: false };
const UNCHANGED: Review = { is_unchanged: true, has_problem: false, text: null };
const CHANGED: Review = { is_unchanged: false, has_problem: false, text: null };

type Step = (input: WorkInput) => Promise<unknown>;
const writing =
  (name: string, text: string): Step =>
  ({ repo_dir }) =>
    writeFile(join(repo_dir, name), text);

/** What a review says after each step of a worker. */
const CASES: Record<string, [step: Step, expected: Review][]> = {
  'files that differ from the base are a change, and their undoing is none': [
    [async () => undefined, UNCHANGED],
    [writing('README.md', 'changed'), CHANGED],
    [writing('README.md', 'x'), UNCHANGED],
    [writing('new.txt', ''), CHANGED],
    [({ repo_dir }) => rm(join(repo_dir, 'new.txt')), UNCHANGED],
  ],
  'a commit is a change, even an empty one': [
    [({ repo_dir }) => git(repo_dir, 'commit', '-q', '--allow-empty', '-m', 'Empty'), CHANGED],
    [({ repo_dir }) => git(repo_dir, 'reset', '-q', '--hard', 'HEAD~1'), UNCHANGED],
  ],
  'once something was pushed, the same files as the base are a change': [
    [writing('new.txt', 'new'), CHANGED],
    [({ checkpoint }) => checkpoint(), CHANGED],
    [({ repo_dir }) => rm(join(repo_dir, 'new.txt')), CHANGED],
  ],
  'what a push would meet is told, and what it leaves out once': [
    [writing('left.env', 'A=b'), { ...UNCHANGED, text: 'left.env is ignored' }],
    [async () => undefined, UNCHANGED],
    [
      writing('key', 'ghp_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6'),
      { ...CHANGED, has_problem: true, text: 'key:1 contains' },
    ],
    [async () => undefined, { ...CHANGED, has_problem: true, text: 'key:1 contains' }],
    [({ repo_dir }) => rm(join(repo_dir, 'key')), UNCHANGED],
  ],
};

for (const [what, steps] of Object.entries(CASES))
  test.serial(what, async (t) => {
    const { task, start } = await setScene(t, {
      assignment: NOT_PUSHED,
      files: { 'README.md': 'x', '.gitignore': '*.env\n' },
    });
    const seen: Review[] = [];
    const worker = await start(
      doing(async (input) => {
        await input.report.emit({ type: 'step.started', body: { step: 'work' } });
        for (const [step] of steps) {
          await step(input);
          seen.push(await input.review());
        }
      }),
    );
    await hand(worker, task);
    t.is(await worker.ended, 0);
    for (const [n, [, expected]] of steps.entries()) {
      t.is(seen[n]?.is_unchanged, expected.is_unchanged, `step ${n + 1}`);
      t.is(seen[n]?.has_problem, expected.has_problem, `step ${n + 1}`);
      if (expected.text === null) t.is(seen[n]?.text, null, `step ${n + 1}`);
      else t.true(seen[n]?.text?.includes(expected.text), `step ${n + 1}: ${seen[n]?.text}`);
    }
  });

test.serial('a review pushes nothing, and a change in one of several repositories is a change', async (t) => {
  const { task, start, bare } = await setScene(t, { assignment: NOT_PUSHED, others: { docs: {} } });
  const seen: Review[] = [];
  const worker = await start(
    doing(async (input) => {
      seen.push(await input.review());
      await writeFile(join(input.others[0]?.dir ?? '', 'a.txt'), 'a');
      seen.push(await input.review());
      t.is(await git(bare, 'branch', '--list', 'errand/*'), '');
      await rm(join(input.others[0]?.dir ?? '', 'a.txt'));
      seen.push(await input.review());
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.deepEqual(seen, [UNCHANGED, CHANGED, UNCHANGED]);
  t.false(task.events.some(({ type }) => type === 'branch.pushed'));
});

test.serial(
  'with several repositories people and the model are told the same words, which name the repository',
  async (t) => {
    const { task, start } = await setScene(t, { assignment: NOT_PUSHED, others: { docs: {} } });
    let said: string | null = null;
    const worker = await start(
      doing(async ({ review, others }) => {
        const key = join(others[0]?.dir ?? '', 'key');
        await writeFile(key, 'ghp_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6');
        said = (await review()).text;
        await rm(key);
      }),
    );
    await hand(worker, task);
    t.is(await worker.ended, 0);
    const logged = task.events.flatMap(({ type, body }) => (type === 'log' ? [body.text] : []));
    t.regex(said ?? '', /^In \/\S+\/docs, the clone of http\S+: .*key:1 contains/s);
    t.deepEqual(logged, [said]);
  },
);

test.serial('where the coordinator does not say whether something was pushed, the work is verified', async (t) => {
  const { task, start } = await setScene(t);
  const seen: Review[] = [];
  const worker = await start(doing(async ({ review }) => void seen.push(await review())));
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.deepEqual(seen, [CHANGED]);
});

test.serial(
  'a new clone of a task that has pushed before is not unchanged: what it pushed may be merged',
  async (t) => {
    const { task, start } = await setScene(t, { assignment: { has_pushed: true } });
    const seen: Review[] = [];
    const worker = await start(doing(async ({ review }) => void seen.push(await review())));
    await hand(worker, task);
    t.is(await worker.ended, 0);
    t.deepEqual(seen, [CHANGED]);
  },
);

for (const names of [['a'], ['a', 'b']])
  test.serial(`what the agent itself has pushed is a change, wherever it goes then: ${names.join()}`, async (t) => {
    const { task, start } = await setScene(t, { assignment: NOT_PUSHED });
    const seen: Review[] = [];
    const worker = await start(
      doing(async ({ review, repo_dir, command_env }) => {
        await git(repo_dir, 'commit', '-q', '--allow-empty', '-m', 'Empty');
        for (const name of names) {
          const args = ['push', '-q', 'origin', `HEAD:${task.base.branch_prefix}${name}`];
          await promisify(execFile)('git', args, { cwd: repo_dir, env: command_env });
        }
        await git(repo_dir, 'reset', '-q', '--hard', 'HEAD~1');
        seen.push(await review());
      }),
    );
    await hand(worker, task);
    t.is(await worker.ended, 0);
    t.deepEqual(seen, [CHANGED]);
  });

test.serial('what is written after a review that found no change is not pushed: nothing has verified it', async (t) => {
  const { task, start } = await setScene(t, { assignment: NOT_PUSHED, others: { docs: {} } });
  const worker = await start(
    doing(async ({ review, repo_dir, others }) => {
      await review();
      for (const dir of [repo_dir, others[0]?.dir ?? '']) await writeFile(join(dir, 'late.txt'), 'late');
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.false(task.events.some(({ type }) => type === 'branch.pushed'));
  const { status, commit, diff, repositories } = task.current.result ?? {};
  t.like({ status, commit, diff }, { status: 'succeeded', commit: null, diff: '' });
  t.like(repositories?.[0], { commit: null, diff: '' });
});
