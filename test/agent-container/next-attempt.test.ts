import test, { type ExecutionContext } from 'ava';
import { cp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkInput } from '../../agent-container/base/work.ts';
import type { WorkerConfig } from '../../agent-container/config.ts';
import type { Worker } from '../../agent-container/worker.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import { git } from '../support/git-server.ts';
import { until } from '../support/until.ts';
import { callWorker } from '../support/worker-call.ts';
import { doing, setScene, untilStopped } from '../support/worker-scene.ts';

const hand = (worker: Worker, task: MockTask) => callWorker(worker.address, 'POST', '/task', task.assignment());
const types = (task: MockTask) => task.events.map(({ type }) => type);
const write = (input: WorkInput, name: string, text: string) => writeFile(join(input.repo_dir, name), text);

/** What the next attempt in the workspace of `own` is told about it. It adds a file. */
async function nextNote(
  t: ExecutionContext,
  { task, start }: Pick<Awaited<ReturnType<typeof setScene>>, 'task' | 'start'>,
  own: WorkerConfig,
): Promise<string | null | undefined> {
  task.nextAttempt();
  const notes: (string | null)[] = [];
  const work = doing((input) => {
    notes.push(input.workspace_note);
    return write(input, 'more.txt', 'more\n');
  });
  const worker = await start(work, own);
  await hand(worker, task);
  t.is(await worker.ended, 0);
  return notes[0];
}

test.serial('the next attempt continues in the same workspace, with the transcript', async (t) => {
  const { task, start, bare, config } = await setScene(t);
  const first = await start(async (input) => {
    await write(input, 'half.txt', 'half\n');
    await input.report.emit({ type: 'plan.updated', body: { items: [] } });
    return untilStopped(input);
  });
  await hand(first, task);
  await until('the plan is known', () => types(task).includes('plan.updated'));
  first.terminate();
  await first.ended;
  task.nextAttempt();
  const transcripts: string[][] = [];
  const second = await start(
    doing(async (input) => {
      transcripts.push(input.assignment.transcript.map(({ type }) => type));
      await write(input, 'other.txt', 'other\n');
    }),
    config(),
  );
  await hand(second, task);
  t.is(await second.ended, 0);
  t.deepEqual(transcripts, [['repository.ready', 'plan.updated']]);
  t.like(task.events[0], { type: 'agent.started', body: { resumed: true } });
  t.is(await git(bare, 'ls-tree', '--name-only', task.base.branch), 'README.md\nhalf.txt\nother.txt');
  t.is(await git(bare, 'log', '--format=%s', task.base.branch), 'Do it\nFirst');
});

test.serial('the next attempt reports what the previous one could only spool, and gets no message twice', async (t) => {
  const { task, start, mock, config, folder } = await setScene(t);
  const { id } = task.say('Use tabs.');
  const said = { turn: 1, source: 'person', message_id: id, text: 'Use tabs.' } as const;
  let is_spooled = false;
  const first = await start(async (input) => {
    await until('everything was reported', () => types(task).includes('repository.ready'));
    await input.messages.take(true);
    await mock.stop();
    await input.report.emit({ type: 'input.added', body: said });
    is_spooled = true;
    return untilStopped(input);
  });
  await hand(first, task);
  await until('the event is in the spool', () => is_spooled);
  first.terminate();
  t.is(await first.ended, 143);
  await mock.start();
  task.nextAttempt();
  t.is(task.pending().length, 1, 'the coordinator does not know that it was received');
  const transcripts: unknown[] = [];
  const second = await start(
    doing(async (input) => {
      transcripts.push(...input.assignment.transcript.filter(({ type }) => type !== 'repository.ready'));
      t.deepEqual(await input.messages.take(true), []);
    }),
    { ...config(), workspace_dir: join(folder, 'workspace-2') },
  );
  await hand(second, task);
  t.is(await second.ended, 0);
  t.deepEqual(types(task).slice(0, 2), ['agent.started', 'input.added']);
  t.deepEqual(transcripts, [{ attempt: 2, type: 'input.added', body: said }]);
});

test.serial('work that was pushed and then undone is undone on its branch too', async (t) => {
  const { task, start, bare, config } = await setScene(t);
  const first = await start(doing((input) => write(input, 'a.txt', 'a\n')));
  await hand(first, task);
  t.is(await first.ended, 0);
  t.is(await git(bare, 'ls-tree', '--name-only', task.base.branch), 'README.md\na.txt');
  const base = await git(bare, 'rev-parse', 'main');
  for (const _ of ['undone', 'still undone']) {
    task.nextAttempt();
    const next = await start(
      doing(async (input) => {
        await git(input.repo_dir, 'reset', '-q', '--hard', base);
        await input.checkpoint();
      }),
      config(),
    );
    await hand(next, task);
    t.is(await next.ended, 0);
    const diff_stat = { files: 0, insertions: 0, deletions: 0 };
    t.like(task.current.result, { status: 'succeeded', branch: task.base.branch, commit: base, diff: '', diff_stat });
    t.is(await git(bare, 'rev-parse', task.base.branch), base);
  }
  const pushes = task.events.flatMap((event) => (event.type === 'branch.pushed' ? [event.body.commit] : []));
  t.deepEqual(pushes, [], 'what is there is not pushed again');
});

for (const [how, end] of Object.entries({
  'finished work': (input: WorkInput) => write(input, 'a.txt', 'a\n'),
  'work in progress': async (input: WorkInput) => {
    await write(input, 'a.txt', 'a\n');
    throw new Error('It breaks.');
  },
}))
  test.serial(`${how} that was merged is neither undone nor reported anew by a later attempt`, async (t) => {
    const { task, start, bare, config } = await setScene(t);
    const own = config();
    const attempt = async (script: (input: WorkInput) => Promise<void>) => {
      const worker = await start(doing(script), own);
      await hand(worker, task);
      t.is(await worker.ended, 0);
      const { result } = task.current;
      task.nextAttempt();
      return result;
    };
    await attempt(end);
    const merged = await git(bare, 'rev-parse', task.base.branch);
    await git(bare, 'update-ref', 'refs/heads/main', `refs/heads/${task.base.branch}`);
    await rm(own.workspace_dir, { recursive: true });
    const asked = await attempt(() => Promise.resolve());
    t.like(asked, { status: 'succeeded', branch: null, commit: null, base_commit: merged, diff: '' });
    await rm(own.workspace_dir, { recursive: true });
    const more = await attempt((input) => write(input, 'b.txt', 'b\n'));
    t.like(more, { status: 'succeeded', branch: task.base.branch, diff_stat: { files: 1 } });
    t.is(await git(bare, 'rev-parse', `${task.base.branch}^`), merged);
  });

test.serial('work that is undone takes no commit from a branch that the person named, and says so', async (t) => {
  const { task, start, bare, config } = await setScene(t, { assignment: { work_branch: 'topic' } });
  await git(bare, 'branch', 'topic', 'main');
  const end = async (script: (input: WorkInput) => Promise<void>) => {
    const worker = await start(doing(script), config());
    await hand(worker, task);
    t.is(await worker.ended, 0);
    const { result } = task.current;
    task.nextAttempt();
    return result;
  };
  const nothing = await end(async (input) => {
    await write(input, 'a.txt', 'a\n');
    await input.checkpoint();
    await rm(join(input.repo_dir, 'a.txt'));
  });
  t.like(nothing, { status: 'succeeded', branch: null, commit: null, diff: '' });
  const pushed = await end((input) => write(input, 'a.txt', 'a\n'));
  t.like(pushed, { status: 'succeeded', branch: 'topic' });
  const undone = await end(async (input) => {
    await git(input.repo_dir, 'reset', '-q', '--hard', 'HEAD^');
  });
  t.like(undone, { status: 'failed', reason: 'push_rejected', diff: '' });
  t.regex(undone?.detail ?? '', /you have rewritten commits that were there/);
  t.is(pushed?.commit, await git(bare, 'rev-parse', 'topic'));
});

for (const [what, lose] of Object.entries({
  'was removed': (workspace: string) => rm(workspace, { recursive: true }),
  'has lost both of its git directories': async (workspace: string) => {
    await rm(join(workspace, 'git'), { recursive: true });
    await rm(join(workspace, 'repo/.git'), { recursive: true });
  },
}))
  test.serial(`the next attempt starts from what was pushed, and says so, where the workspace ${what}`, async (t) => {
    const { task, start, bare, config } = await setScene(t);
    const first = await start(async (input) => {
      await write(input, 'pushed.txt', 'pushed\n');
      await input.checkpoint();
      await input.report.emit({ type: 'turn.finished', body: TURN });
      await write(input, 'later.txt', 'later\n');
      await until('the turn is known', () => types(task).includes('turn.finished'));
      throw new Error('It breaks.');
    });
    await hand(first, task);
    t.is(await first.ended, 0);
    const pushed = await git(bare, 'rev-parse', task.base.branch);
    await git(bare, 'update-ref', `refs/heads/${task.base.branch}`, `${pushed}^`);
    const own = config();
    await lose(own.workspace_dir);
    const note = await nextNote(t, { task, start }, own);
    t.regex(note ?? '', /The workspace in which the conversation so far took place is gone/);
    t.true(
      task.events.some((event) => event.type === 'log' && event.body.text === note),
      'the person is told the same',
    );
    t.is(await git(bare, 'ls-tree', '--name-only', task.base.branch), 'README.md\nmore.txt');
    const found = (await readdir(own.workspace_dir, { recursive: true })).filter((path) =>
      /found-\w+\/later/.test(path),
    );
    t.is(found.length, what === 'was removed' ? 0 : 1, 'files that were found are kept');
  });

for (const [when, kept_after] of Object.entries({ 'before your first turn': 0, 'during your turn 1': 1 }))
  test.serial(`a workspace that was put back to a state from ${when} is used, and is said to be older`, async (t) => {
    const { task, start, bare, config } = await setScene(t);
    const own = config();
    const copy = `${own.workspace_dir}-copy`;
    const finishTurn = async ({ report }: WorkInput, turn: number) => {
      await report.emit({ type: 'turn.started', body: { turn, ref: `turn-1-${turn}`, model: 'm' } });
      await report.emit({ type: 'turn.finished', body: { ...TURN, turn, ref: `turn-1-${turn}` } });
      if (turn === kept_after) await cp(own.workspace_dir, copy, { recursive: true, verbatimSymlinks: true });
    };
    const first = await start(async (input) => {
      if (kept_after === 0) await cp(own.workspace_dir, copy, { recursive: true, verbatimSymlinks: true });
      await finishTurn(input, 1);
      await write(input, 'later.txt', 'later\n');
      await finishTurn(input, 2);
      return untilStopped(input);
    }, own);
    await hand(first, task);
    await until('both turns are known', () => types(task).filter((type) => type === 'turn.finished').length === 2);
    first.terminate();
    await first.ended;
    const pushed = await git(bare, 'rev-parse', task.base.branch);
    await rm(own.workspace_dir, { recursive: true });
    await rename(copy, own.workspace_dir);
    const note = await nextNote(t, { task, start }, own);
    t.regex(note ?? '', new RegExp(`older than the conversation: they are as they were ${when}, and the .* to turn 2`));
    t.true(task.events.some((event) => event.type === 'log' && event.body.text === note));
    t.true((await git(bare, 'log', '--format=%H', '--all')).includes(pushed), 'nothing that was pushed is lost');
  });

test.serial('a workspace of the transcript is not said to be older', async (t) => {
  const { task, start, config } = await setScene(t);
  const own = config();
  const first = await start(async (input) => {
    for (const turn of [1, 2]) {
      await input.report.emit({ type: 'turn.started', body: { turn, ref: `turn-1-${turn}`, model: 'm' } });
      await input.report.emit({ type: 'turn.finished', body: { ...TURN, turn, ref: `turn-1-${turn}` } });
    }
    return untilStopped(input);
  }, own);
  await hand(first, task);
  await until('both turns are known', () => types(task).filter((type) => type === 'turn.finished').length === 2);
  first.terminate();
  await first.ended;
  t.is(await nextNote(t, { task, start }, own), null);
});

for (const what of ['moves to another branch', "makes the worker's own repository anew"])
  test.serial(`a workspace is not said to be older after a push that ${what}`, async (t) => {
    const { task, start, config, bare } = await setScene(t);
    const own = config();
    const first = await start(async (input) => {
      for (const turn of [1, 2]) {
        await input.report.emit({ type: 'turn.started', body: { turn, ref: `turn-1-${turn}`, model: 'm' } });
        await input.report.emit({ type: 'turn.finished', body: { ...TURN, turn, ref: `turn-1-${turn}` } });
      }
      await write(input, 'a.txt', 'a\n');
      if (what.startsWith('moves')) {
        const other = await git(bare, 'commit-tree', 'main^{tree}', '-m', 'By another');
        await git(bare, 'update-ref', `refs/heads/${task.base.branch}`, other);
      } else await rm(join(own.workspace_dir, 'git/objects'), { recursive: true });
      await input.checkpoint();
      return untilStopped(input);
    }, own);
    await hand(first, task);
    await until('the work is pushed', () => types(task).includes('branch.pushed'));
    first.terminate();
    await first.ended;
    t.is(await nextNote(t, { task, start }, own), null);
  });

const TURN = {
  turn: 1,
  ref: 'turn-1-1',
  model: 'm',
  content: [],
  stop_reason: 'tool_use',
  usage: { input_tokens: 0, cache_write_tokens: 0, cache_read_tokens: 0, output_tokens: 0 },
  request_id: null,
  duration_ms: 1,
};
