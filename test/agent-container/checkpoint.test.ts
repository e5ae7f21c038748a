import test from 'ava';
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GIT_ENVIRONMENT } from '../support/git-environment.ts';
import { git } from '../support/git-server.ts';
import { callWorker } from '../support/worker-call.ts';
import { doing, setScene } from '../support/worker-scene.ts';

test.serial('a checkpoint that the forge does not answer is ended, and the finished work is pushed', async (t) => {
  const { task, start, bare, git: server } = await setScene(t);
  const { promise: stalled, resolve: stall } = Promise.withResolvers<void>();
  const answers: (string | null)[] = [];
  const worker = await start(
    doing(async (input) => {
      await writeFile(join(input.repo_dir, 'a.txt'), 'half\n');
      server.intercept = (request) => {
        if (request.method !== 'POST' || !request.url?.endsWith('git-receive-pack')) return false;
        request.resume();
        stall();
        return true;
      };
      const ending = new AbortController();
      const checkpoint = input.checkpoint(ending.signal);
      await stalled;
      await writeFile(join(input.repo_dir, 'a.txt'), 'whole\n');
      ending.abort();
      await checkpoint;
      server.intercept = undefined;
      answers.push(await input.deliver('Write a'));
    }),
  );
  await callWorker(worker.address, 'POST', '/task', task.assignment());
  t.is(await worker.ended, 0);
  t.deepEqual(answers, [null]);
  t.is(task.current.result?.status, 'succeeded');
  t.is(await git(bare, 'show', `${task.base.branch}:a.txt`), 'whole');
});

/** What moves HEAD, the index and the files again and again. */
const REWRITE = `set -e
git checkout -q -b side && echo side >> b.txt && git commit -qam side && git checkout -q -
for n in 1 2 3 4 5 6 7 8; do
  echo $n >> a.txt; echo $n > new$n.txt
  git stash -q -u; git checkout -q side; git checkout -q -; git stash pop -q
  git add -A; git commit -qm "work $n"
  git rebase -q --exec true HEAD~1 2>/dev/null
  git merge -q --no-ff --no-commit side 2>/dev/null; git merge --abort
done
git branch -qD side
git gc -q --prune=now`;

test.serial('checkpoints and the git of a command do not disturb each other', async (t) => {
  const { task, start, bare } = await setScene(t, { files: { 'a.txt': 'a\n', 'b.txt': 'b\n' } });
  const logged: string[] = [];
  let checkpoints = 0;
  const worker = await start(
    doing(async (input) => {
      const options = { cwd: input.repo_dir, env: GIT_ENVIRONMENT };
      const command = promisify(execFile)('bash', ['-c', REWRITE], options);
      while (command.child.exitCode === null) {
        await input.checkpoint();
        checkpoints++;
      }
      t.is((await command).stderr, '');
      t.is(await git(input.repo_dir, 'status', '--porcelain'), '');
      t.is(await input.deliver('Work'), null);
    }),
    undefined,
    (_, message) => logged.push(message),
  );
  await callWorker(worker.address, 'POST', '/task', task.assignment());
  t.is(await worker.ended, 0);
  t.true(checkpoints > 1);
  t.deepEqual(logged, []);
  t.is(await git(bare, 'show', `${task.base.branch}:a.txt`), ['a', 1, 2, 3, 4, 5, 6, 7, 8].join('\n'));
  t.is(await git(bare, 'log', '-1', '--format=%s', task.base.branch), 'work 8');
});

test.serial('the record of the workspace takes changes at the same time', async (t) => {
  const { task, start, config } = await setScene(t);
  const messages: string[] = [];
  const turns = Array.from({ length: 10 }, (_, i) => i + 1);
  const worker = await start(
    doing(async ({ report }) => {
      const started = turns.map((turn) => ({ turn, ref: `turn-1-${turn}`, model: 'demo' }));
      await Promise.all(started.map((body) => report.emit({ type: 'turn.started', body })));
    }),
    config(),
    (_, message) => messages.push(message),
  );
  await callWorker(worker.address, 'POST', '/task', task.assignment());
  t.is(await worker.ended, 0);
  t.deepEqual(messages, []);
});

test.serial('the step of a push comes before what was pushed, and once', async (t) => {
  const { task, start } = await setScene(t);
  const worker = await start(
    doing(async (input) => {
      await writeFile(join(input.repo_dir, 'a.txt'), 'a\n');
      await input.deliver('Write a');
    }),
  );
  await callWorker(worker.address, 'POST', '/task', task.assignment());
  t.is(await worker.ended, 0);
  t.deepEqual(
    task.events.slice(-2).map(({ type }) => type),
    ['step.started', 'branch.pushed'],
  );
  const steps = task.events.flatMap(({ type, body }) => (type === 'step.started' ? [body.step] : []));
  t.deepEqual(steps, ['clone', 'push']);
});
