import test, { type ExecutionContext } from 'ava';
import { CHECKS_WAIT_MS } from '../../../../coordinator/forge/pulls/hear-checks.ts';
import { Pulls } from '../../../../coordinator/forge/pulls/pulls.ts';
import { findFollowUp } from '../../../../coordinator/sqlite/follow-ups.ts';
import { findPull, updatePull } from '../../../../coordinator/sqlite/pulls.ts';
import { addMessage } from '../../../../coordinator/tasks/task-commands.ts';
import { ErrandError } from '../../../../protocol/problem.ts';
import { endTask, runTask, taskOf } from '../../../support/fixtures.ts';
import { pullScene } from '../../../support/forge/errand-pull.ts';
import { git } from '../../../support/git-server.ts';
import { SILENT } from '../../../support/silent.ts';
import { until } from '../../../support/until.ts';

const FAST = {
  look_ms_min: 50,
  look_ms_max: 50,
  retry_ms_min: 50,
  retry_ms_max: 50,
  conflicts_ms: 10,
  give_up_ms: 60_000,
};
const SELDOM = { ...FAST, look_ms_min: 3_600_000, look_ms_max: 3_600_000 };

/** An errand with a pull request that the server looks at: by itself, or only when something has told of it. */
async function watchedScene(t: ExecutionContext, times: typeof FAST) {
  const made = await pullScene(t);
  const { scene, row } = made;
  const parts = { log: scene.log, access: scene.access, config: { public_url: undefined }, logger: SILENT };
  const pulls = new Pulls({ ...parts, times });
  pulls.start();
  t.teardown(() => pulls.stop());
  const events = () =>
    scene.log.db
      .prepare<[string], { body: string }>(`SELECT body FROM events WHERE task_id = ? AND type = 'pull.changed'`)
      .all(made.id)
      .filter(({ body }) => body.includes('"checks"') && /"failed":[1-9]/.test(body)).length;
  const looked = async () => {
    const seen = findPull(scene.log.db, row.id)?.next_look_at;
    await until('it was looked at', () => findPull(scene.log.db, row.id)?.next_look_at !== seen);
  };
  return { ...made, events, looked, pull_row: () => findPull(scene.log.db, row.id) };
}

/** A person sends it back to work; returns how many messages it has then. */
function begin({ scene, id, messages }: Awaited<ReturnType<typeof watchedScene>>): number {
  scene.log.write((tx) => addMessage(tx, scene.user_id, id, { text: 'Go on' }));
  runTask(scene.log, id);
  return messages().length;
}

test('failed checks of checkpoints wake nothing, notify nobody and use up no round', async (t) => {
  const made = await watchedScene(t, FAST);
  const { scene, github, demo, pull, id, messages, events, looked, pull_row } = made;
  const heard = begin(made);
  for (let n = 0; n < 3; n++) {
    const commit = await github.push(demo, pull.pull.head, { 'wip.txt': String(n) });
    github.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'error: half done' });
    await scene.deliver();
    await looked();
  }
  t.is(messages().length, heard);
  t.is(events(), 0);
  t.is(findFollowUp(scene.log.db, id).rounds, 0);
  const done = await github.push(demo, pull.pull.head, { 'wip.txt': 'done' });
  github.check(demo, done, { name: 'test', conclusion: 'success' });
  await scene.work(id, 'Done.', done);
  await scene.deliver();
  await until('its checks are seen', () => pull_row()?.checks?.passed === 1);
  t.deepEqual(messages(), []);
  t.is(events(), 0);
});

for (const by of ['webhook', 'polling'] as const)
  for (const status of ['succeeded', 'failed'] as const)
    test(`checks of the head that failed before the work ${status === 'failed' ? 'failed' : 'ended'} are followed up after it, once, by ${by}`, async (t) => {
      const made = await watchedScene(t, by === 'polling' ? FAST : SELDOM);
      const { scene, github, demo, pull, id, messages, events } = made;
      begin(made);
      const commit = await github.push(demo, pull.pull.head, { 'x.txt': 'x' });
      github.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'error: the last commit' });
      if (by === 'webhook') await scene.deliver();
      t.is(events(), 0);
      if (status === 'succeeded') await scene.work(id, 'Done.', commit);
      else {
        // Nothing that it was told is left.
        scene.log.db.prepare(`UPDATE messages SET taken_in_at = created_at WHERE task_id = ?`).run(id);
        endTask(scene.log, id, 'failed');
      }
      await until('it is sent back', () => messages().some((text) => text.includes('error: the last commit')));
      t.is(events(), 1, 'its person is told');
      await scene.settled();
      t.is(messages().length, 1);
      t.is(findFollowUp(scene.log.db, id).rounds, 1);
    });

test('a check elsewhere that does not end holds up those that failed for a quarter of an hour, and no longer', async (t) => {
  const { scene, github, demo, commit, id, messages, looked, pull_row } = await watchedScene(t, FAST);
  github.status(demo, commit, { context: 'licence', state: 'pending' });
  github.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'error: here' });
  const failedFor = (ms: number) =>
    scene.log.write(({ db }) => {
      const row = pull_row();
      if (row) updatePull(db, { ...row, updated_at: new Date(Date.now() - ms).toISOString() });
    });
  await until('it is seen', () => pull_row()?.checks?.failed === 1);
  failedFor(CHECKS_WAIT_MS - 60_000);
  await looked();
  await looked();
  await scene.settled();
  t.deepEqual(messages(), []);
  failedFor(CHECKS_WAIT_MS);
  await until('it is sent back', () => messages().length === 1);
  t.regex(messages()[0] ?? '', /error: here/);
  t.is(findFollowUp(scene.log.db, id).rounds, 1);
});

test('a check that waits for a person does not shorten the wait for others', async (t) => {
  const { scene, github, demo, commit, messages, looked, pull_row } = await watchedScene(t, FAST);
  github.check(demo, commit, { name: 'licence/cla', conclusion: 'action_required' });
  github.status(demo, commit, { context: 'slow', state: 'pending' });
  await until('it is seen', () => pull_row()?.checks?.failed === 1);
  scene.log.write(({ db }) => {
    const row = pull_row();
    if (row) updatePull(db, { ...row, updated_at: new Date(Date.now() - CHECKS_WAIT_MS).toISOString() });
  });
  github.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'error: here' });
  await until('both are seen', () => pull_row()?.checks?.failed === 2);
  await looked();
  await scene.settled();
  t.deepEqual(messages(), []);
  github.status(demo, commit, { context: 'slow', state: 'failure' });
  await until('it is sent back', () => messages().length === 1);
  t.regex(messages()[0] ?? '', /slow/);
});

test('a log that cannot be read holds up a failed check for a quarter of an hour, and no longer', async (t) => {
  const { scene, github, demo, commit, messages, looked, pull_row } = await watchedScene(t, FAST);
  github.intercept = ({ url = '' }, response) => {
    if (!url.startsWith('/_logs')) return false;
    response.socket?.destroy();
    return true;
  };
  github.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'error: here' });
  await until('it is seen', () => pull_row()?.checks?.failed === 1);
  await looked();
  t.deepEqual(messages(), []);
  const long_ago = new Date(Date.now() - CHECKS_WAIT_MS).toISOString();
  scene.log.write(({ db }) => {
    const row = pull_row();
    if (row) updatePull(db, { ...row, updated_at: long_ago });
  });
  await until('it is sent back', () => messages().length === 1);
  t.regex(messages()[0] ?? '', /test[^]*There is no log/);
});

test('a check that fails on a server without webhooks sends the errand back, once for each commit', async (t) => {
  const made = await watchedScene(t, FAST);
  const { scene, github, demo, commit, pull, id, messages, looked } = made;
  github.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'error: one' });
  await until('it is sent back', () => messages().length === 1);
  await scene.work(id, 'It is not the reason.', commit);
  await looked();
  await looked();
  await scene.settled();
  t.deepEqual(messages(), []);
  const next = await github.push(demo, pull.pull.head, { 'y.txt': 'y' });
  const slow = github.check(demo, next, { name: 'slow', status: 'in_progress', log: '' });
  github.check(demo, next, { name: 'test', conclusion: 'failure', log: 'error: two' });
  await looked();
  await looked();
  await scene.settled();
  t.deepEqual(messages(), [], 'a job runs');
  github.finishCheck(demo, slow, 'success');
  await until('it is sent back', () => messages().length === 1);
  t.regex(messages()[0] ?? '', /error: two/);
  t.is(taskOf(scene.log, id).status, 'queued');
});

test('a check that asks for a sign-off has failed, and sends the errand back', async (t) => {
  const { scene, github, demo, commit, messages, pull_row } = await watchedScene(t, FAST);
  github.check(demo, commit, { name: 'DCO', conclusion: 'action_required' });
  await until('it is seen', () => pull_row()?.checks?.failed_names.join() === 'DCO');
  await scene.deliver();
  t.regex(messages().join(), /DCO/);
});

test('a check of another program that asks for an action has failed, and sends no errand back', async (t) => {
  const { scene, github, demo, commit, messages, pull_row } = await watchedScene(t, FAST);
  github.check(demo, commit, { name: 'licence/cla', conclusion: 'action_required' });
  await until('it is seen', () => pull_row()?.checks?.failed === 1);
  t.like(pull_row()?.checks, { failed_names: ['licence/cla'], failed_states: ['needs_action'] });
  await scene.deliver();
  await scene.settled();
  t.deepEqual(messages(), []);
});

test('a job that was cancelled has neither passed nor failed, and sends no errand back', async (t) => {
  const { scene, github, demo, commit, messages, pull_row } = await watchedScene(t, FAST);
  github.check(demo, commit, { name: 'lint', conclusion: 'success', log: '' });
  github.check(demo, commit, { name: 'test', conclusion: 'cancelled', log: 'Error: The operation was canceled.' });
  await until('it is seen', () => pull_row()?.checks?.passed === 1);
  t.like(pull_row()?.checks, {
    running: 0,
    failed: 0,
    cancelled: 1,
    failed_names: ['test'],
    failed_states: ['cancelled'],
  });
  await scene.deliver();
  await scene.settled();
  t.deepEqual(messages(), []);
});

test('the log of a failed check is read in a thread', async (t) => {
  const { scene, github, demo, commit, messages } = await pullScene(t);
  github.check(demo, commit, { name: 'test', conclusion: 'failure', log: `${'fine\n'.repeat(1_000)}error: broken\n` });
  await scene.deliver();
  t.true(messages()[0]?.includes('error: broken'));
  t.deepEqual(
    scene.threads.jobs.map(({ name, key }) => [name, key]),
    [['CUT_LOG', github.origin]],
  );
});

test('a failed check goes to the errand without its log if that is too expensive to look through', async (t) => {
  const { scene, github, demo, commit, messages } = await pullScene(t);
  scene.threads.run = () => Promise.reject(new ErrandError('too_large', 'The body is too expensive to check.'));
  github.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'error: here' });
  await scene.deliver();
  t.regex(messages()[0] ?? '', /test[^]*There is no log/);
});

/** Two errands whose pull requests have the same head. */
async function twinScene(t: ExecutionContext) {
  const made = await pullScene(t);
  const { scene, github, demo, ada, commit } = made;
  github.openIssue(demo, ada, { title: 'It fails, too', body: '@errand fix it' });
  await scene.deliver();
  const other = scene.tasks.at(-1);
  if (other === undefined) throw new Error('There is no other errand.');
  const { row } = await scene.addPull(other);
  await scene.work(other.id, 'Done.', commit);
  await git(github.world.folder(demo), 'update-ref', `refs/heads/${row.head_branch}`, commit);
  await github.pushed(demo, ada);
  scene.log.write(({ db }) => updatePull(db, { ...row, head_commit: commit }));
  await scene.deliver();
  return { ...made, twins: [made.row, row] };
}

test('failed checks of a commit that is the head of several pull requests go to the errand of each', async (t) => {
  const { scene, github, demo, commit, twins } = await twinScene(t);
  github.status(demo, commit, { context: 'build', state: 'failure' });
  await scene.deliver();
  for (const { task_id } of twins) t.regex(scene.messages(task_id).join(), /build/);
});

for (const n of [0, 1])
  test(`a pull request that the forge does not show now holds up no other with its commit, whichever: ${n}`, async (t) => {
    const { scene, github, demo, commit, twins } = await twinScene(t);
    const [away, other] = n === 0 ? twins : twins.toReversed();
    if (!away || !other) return t.fail();
    github.intercept = ({ url = '' }, response) => {
      if (!url.endsWith(`/pulls/${away.number}`)) return false;
      response.writeHead(502).end('<html>');
      return true;
    };
    github.status(demo, commit, { context: 'build', state: 'failure' });
    for (const hook of github.hooks.sent.slice(-1)) await scene.receive(hook);
    await until('the other is told', () => scene.messages(other.task_id).join().includes('build'));
    t.deepEqual(scene.messages(away.task_id), []);
    github.intercept = undefined;
    await scene.deliver();
    t.regex(scene.messages(away.task_id).join(), /build/);
  });
