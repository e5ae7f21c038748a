import test from 'ava';
import { writeFile } from 'node:fs/promises';
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
  t.true(logs(task).includes(answers[0] ?? ''), 'the person is told the same');
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

test.serial('that nothing can be pushed is said before the work is done, once, and not where it can', async (t) => {
  for (const [status, says] of [
    [403, true],
    [404, true],
    [500, false],
    [200, false],
  ] as const) {
    const { task, start, git: server } = await setScene(t);
    const said = () =>
      logs(task).filter((text) => text.startsWith(`The work cannot be pushed to ${task.base.repo_url}`));
    server.intercept = ({ url }, response) => {
      if (status === 200 || !url?.includes('service=git-receive-pack')) return false;
      response.writeHead(status).end();
      return true;
    };
    const worker = await start(
      doing(async ({ repo_dir }) => {
        if (says) await until('it is said', () => said().length > 0 || undefined);
        server.intercept = undefined;
        await writeFile(join(repo_dir, 'a.txt'), 'a\n');
      }),
    );
    await hand(worker, task);
    t.is(await worker.ended, 0);
    t.like(task.current.result, { status: 'succeeded', branch: task.base.branch });
    t.is(said().length, says ? 1 : 0, `${status}`);
  }
});

test.serial('where no branch may be replaced the final work goes on from what was pushed before', async (t) => {
  const { task, start, bare } = await setScene(t);
  const { branch } = task.base;
  await git(bare, 'config', 'receive.denyNonFastForwards', 'true');
  const worker = await start(
    doing(async (input) => {
      await write(input, 'a.txt', 'a\n');
      await input.checkpoint();
      await write(input, 'b.txt', 'b\n');
      await input.checkpoint();
      await write(input, 'c.txt', 'c\n');
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  const commit = await git(bare, 'rev-parse', branch);
  t.like(task.current.result, { status: 'succeeded', branch, commit });
  t.is(await git(bare, 'ls-tree', '--name-only', branch), 'README.md\na.txt\nb.txt\nc.txt');
  t.is(await git(bare, 'log', '--format=%s', '-1', `${branch}^2`), 'Do it');
  t.is(await git(bare, 'branch', '--format=%(refname:short)'), `${branch}\nmain`);
});

test.serial('a branch that may not be pushed to again gets the final work on a branch next to it', async (t) => {
  const { task, start, bare } = await setScene(t);
  await hook(bare, 'update', 'case $2 in *[!0]*) echo "protected branch"; exit 1;; esac');
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
