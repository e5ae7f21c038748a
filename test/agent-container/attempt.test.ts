import test from 'ava';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { WorkInput } from '../../agent-container/base/work.ts';
import type { Worker } from '../../agent-container/worker.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import { git } from '../support/git-server.ts';
import { until } from '../support/until.ts';
import { callWorker } from '../support/worker-call.ts';
import { doing, DONE, setScene, untilStopped } from '../support/worker-scene.ts';

const hand = (worker: Worker, task: MockTask) => callWorker(worker.address, 'POST', '/task', task.assignment());
const types = (task: MockTask) => task.events.map(({ type }) => type);
const write = (input: WorkInput, name: string, text: string) => writeFile(join(input.repo_dir, name), text);

/** Writes a file, and reports that it is there. */
async function writeHalf(input: WorkInput): Promise<void> {
  await write(input, 'half.txt', 'half\n');
  await input.report.emit({ type: 'log', body: { level: 'info', text: 'half is done' } });
}

test.serial('an attempt whose commands could end the worker says so once', async (t) => {
  const { task, start } = await setScene(t);
  const real = Object.getOwnPropertyDescriptor(process, 'arch') ?? {};
  t.teardown(() => Object.defineProperty(process, 'arch', real));
  Object.defineProperty(process, 'arch', { ...real, value: 'riscv64' });
  const worker = await start(doing((input) => write(input, 'a.txt', 'a\n')));
  await hand(worker, task);
  t.is(await worker.ended, 0);
  const logs = task.events.flatMap(({ type, body }) => (type === 'log' ? [body] : []));
  t.like(logs, [{ level: 'warn' }]);
  t.regex(logs[0]?.text ?? '', /Commands can end the worker .* riscv64/);
});

test.serial('an attempt from its assignment to its result', async (t) => {
  const { task, start, bare } = await setScene(t, { files: { 'README.md': 'old\n' } });
  const worker = await start(doing((input) => write(input, 'README.md', 'new\n')));
  t.is((await hand(worker, task)).status, 202);
  t.is(await worker.ended, 0);
  t.deepEqual(types(task), ['agent.started', 'step.started', 'repository.ready', 'step.started', 'branch.pushed']);
  const { result } = task.current;
  t.like(result, {
    status: 'succeeded',
    reason: null,
    summary: 'It is done.',
    branch: task.base.branch,
    diff_stat: { files: 1, insertions: 1, deletions: 1 },
    diff_truncated: false,
  });
  t.regex(result?.diff ?? '', /^-old\n\+new$/m);
  t.is(await git(bare, 'rev-parse', task.base.branch), result?.commit ?? '');
  t.is(await git(bare, 'rev-parse', 'main'), result?.base_commit ?? '');
  t.is(
    await git(bare, 'log', '-1', '--format=%an <%ae>%n%B', task.base.branch),
    `Errand <errand@localhost>\n${DONE.commit_message}`,
  );
  t.deepEqual(task.breaches, []);
});

test.serial('commits of the agent itself are pushed as they are', async (t) => {
  const { task, start, bare } = await setScene(t);
  const worker = await start(
    doing(async (input) => {
      await write(input, 'a.txt', 'a\n');
      const run = promisify(execFile);
      const options = { cwd: input.repo_dir, env: input.command_env };
      await run('git', ['add', '.'], options);
      await run('git', ['commit', '-q', '-m', 'By the agent'], options);
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.is(await git(bare, 'log', '--format=%s', task.base.branch), 'By the agent\nFirst');
});

test.serial('a task that changes nothing has no branch', async (t) => {
  const { task, start, bare } = await setScene(t);
  const worker = await start(doing(() => Promise.resolve()));
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.like(task.current.result, { status: 'succeeded', branch: null, commit: null, diff: '' });
  t.is(await git(bare, 'branch', '--list', 'errand/*'), '');
});

test.serial(
  'a worker that cannot be called fetches its assignment, and gets messages and a cancel with callback replies',
  async (t) => {
    const { task, start, config } = await setScene(t, { assignment: { heartbeat_ms: 30 } });
    const received: string[] = [];
    const worker = await start(
      async (input) => {
        await input.messages.arrived(input.signal);
        received.push(...(await input.messages.take(false)).map(({ text }) => text));
        return untilStopped(input);
      },
      config({ ERRAND_LISTEN: '', ERRAND_TASK_ID: task.id, ERRAND_TASK_TOKEN: task.token }),
    );
    t.is(worker.address, null);
    task.say('Use tabs.');
    await until('the message was received', () => received.length > 0);
    task.cancel('enough');
    t.is(await worker.ended, 0);
    t.deepEqual(received, ['Use tabs.']);
    t.like(task.current.result, { status: 'cancelled', reason: null, detail: 'enough' });
  },
);

test.serial('a worker that fetches an assignment of another contract version refuses it, and exits', async (t) => {
  const { task, start, config, mock } = await setScene(t, { assignment: { contract_version: 2 } });
  const logged: string[] = [];
  const own = config({ ERRAND_LISTEN: '', ERRAND_TASK_ID: task.id, ERRAND_TASK_TOKEN: task.token });
  const worker = await start(untilStopped, own, (_level, message, { err } = {}) =>
    logged.push(`${message}: ${String(err)}`),
  );
  t.is(await worker.ended, 1);
  t.deepEqual(
    mock.calls.map(({ name }) => name),
    ['assignment'],
  );
  t.regex(logged.join(), /assignment could not be fetched: .* of version 2: rebuild the worker image/);
});

test.serial('a message that comes by push and with replies, repeatedly, is received once', async (t) => {
  const { task, start } = await setScene(t, { assignment: { heartbeat_ms: 20 } });
  const received: string[] = [];
  const beats = () => task.current.heartbeats.length;
  const worker = await start(
    doing(async (input) => {
      await input.messages.arrived(input.signal);
      const before = beats();
      await until('it came by heartbeats too', () => beats() > before + 2);
      received.push(...(await input.messages.take(false)).map(({ text }) => text));
    }),
  );
  await hand(worker, task);
  const message = task.say('Once.');
  await callWorker(worker.address, 'POST', '/messages', { messages: [message] });
  await callWorker(worker.address, 'POST', '/messages', { messages: [message] });
  t.is(await worker.ended, 0);
  t.deepEqual(received, ['Once.']);
});

test.serial('a cancel ends the work at once, pushes what there is, and posts the result', async (t) => {
  const { task, start, bare } = await setScene(t);
  const worker = await start(async (input) => {
    await writeHalf(input);
    input.report.waitingFor({ kind: 'model', since: new Date().toISOString() });
    return untilStopped(input);
  });
  await hand(worker, task);
  await until('the work is under way', () => types(task).includes('log'));
  const before = performance.now();
  t.is((await callWorker(worker.address, 'POST', '/cancel', { reason: 'not needed' })).status, 202);
  t.is(await worker.ended, 0);
  t.log(`it took ${Math.round(performance.now() - before)} ms`);
  t.like(task.current.result, { status: 'cancelled', detail: 'not needed', branch: task.base.branch });
  t.is(await git(bare, 'show', `${task.base.branch}:half.txt`), 'half');
  t.regex(await git(bare, 'log', '-1', '--format=%s', task.base.branch), /^WIP: /);
});

test.serial('work that ignores a cancel is not waited for', async (t) => {
  const { task, start } = await setScene(t);
  const worker = await start(async (input) => {
    await writeHalf(input);
    return new Promise(() => {});
  });
  await hand(worker, task);
  await until('the work is under way', () => types(task).includes('log'));
  await callWorker(worker.address, 'POST', '/cancel', { reason: 'stop' });
  t.is(await worker.ended, 0);
  t.is(task.current.result?.status, 'cancelled');
});

test.serial('SIGTERM pushes the work in progress, and posts no result', async (t) => {
  const { task, start, bare } = await setScene(t);
  const worker = await start(async (input) => {
    await writeHalf(input);
    return untilStopped(input);
  });
  await hand(worker, task);
  await until('the work is under way', () => types(task).includes('log'));
  worker.terminate();
  t.is(await worker.ended, 143);
  t.is(task.current.result, undefined);
  t.is(types(task).at(-1), 'branch.pushed');
  t.is(await git(bare, 'show', `${task.base.branch}:half.txt`), 'half');
});

test.serial('SIGTERM ends a worker without a task at once', async (t) => {
  const { start } = await setScene(t);
  const worker = await start(untilStopped);
  worker.terminate();
  t.is(await worker.ended, 143);
});

test.serial('SIGTERM ends the worker within ten seconds even if the coordinator is down', async (t) => {
  const { task, start, mock } = await setScene(t);
  const worker = await start(untilStopped);
  await hand(worker, task);
  await until('the work is under way', () => types(task).includes('repository.ready'));
  await mock.stop();
  worker.terminate();
  t.is(await worker.ended, 143);
});

test.serial('an attempt that is lost stops at once, and pushes nothing', async (t) => {
  const { task, start, bare } = await setScene(t, { assignment: { heartbeat_ms: 20 } });
  const worker = await start(async (input) => {
    await write(input, 'half.txt', 'half\n');
    return untilStopped(input);
  });
  await hand(worker, task);
  await until('the work is under way', () => types(task).includes('repository.ready'));
  task.nextAttempt();
  t.is(await worker.ended, 1);
  t.is(await git(bare, 'branch', '--list', 'errand/*'), '');
  t.is(task.attempts[0]?.result, undefined);
});

test.serial('an attempt whose result the coordinator has already exits with 0', async (t) => {
  const { task, start, mock } = await setScene(t);
  const worker = await start(doing(() => Promise.resolve()));
  mock.faults.add('result', { kind: 'lose' });
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.is(task.current.result?.status, 'succeeded');
});

test.serial('work that throws is a failure with a detail, and what there is is pushed', async (t) => {
  const { task, start, bare } = await setScene(t);
  const worker = await start(async (input) => {
    await write(input, 'half.txt', 'half\n');
    throw new Error('The loop has a bug.');
  });
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.like(task.current.result, { status: 'failed', reason: 'agent_error', detail: 'The loop has a bug.' });
  t.is(await git(bare, 'show', `${task.base.branch}:half.txt`), 'half');
});

test.serial('commands do not see the token, and reach the network through the proxy', async (t) => {
  const { task, start } = await setScene(t, {
    assignment: { egress: 'registries', env: { API_KEY: 'of the project' } },
  });
  let seen = '';
  const worker = await start(
    doing(async (input) => {
      const { stdout } = await promisify(execFile)('env', { env: input.command_env, cwd: input.repo_dir });
      seen = stdout;
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.false(seen.includes(task.token));
  t.regex(seen, /^HTTPS_PROXY=http:\/\/127\.0\.0\.1:\d+$/m);
  t.regex(seen, /^API_KEY=of the project$/m);
  t.notRegex(seen, /ERRAND_/);
});

test.serial('without egress commands get no proxy', async (t) => {
  const { task, start } = await setScene(t);
  let keys: string[] = [];
  const worker = await start(doing((input) => Promise.resolve(void (keys = Object.keys(input.command_env)))));
  await hand(worker, task);
  await worker.ended;
  t.deepEqual(
    keys.filter((key) => /proxy/i.test(key)),
    [],
  );
});

test.serial('a token that has expired is renewed for messages and attachments, too', async (t) => {
  const { task, start, folder } = await setScene(t);
  const { id } = task.say('Use tabs.');
  task.files.set('picture', Buffer.from('bytes'));
  const taken: string[] = [];
  const worker = await start(
    doing(async ({ messages, fetchAttachment, signal }) => {
      await until('nothing is left to send', () => types(task).includes('repository.ready'));
      task.tokens.expire();
      taken.push(...(await messages.take(true)).map((message) => message.id));
      task.tokens.expire();
      await fetchAttachment('picture', join(folder, 'picture'), signal);
    }),
  );
  await hand(worker, task);
  t.is(await worker.ended, 0);
  t.like(task.current.result, { status: 'succeeded' });
  t.deepEqual(taken, [id]);
  t.is(await readFile(join(folder, 'picture'), 'utf8'), 'bytes');
});
