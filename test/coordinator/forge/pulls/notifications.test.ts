import test from 'ava';
import { newId } from '../../../../protocol/ids.ts';
import { compose } from '../../../../coordinator/notifications/message.ts';
import { OCCASION_TYPES, occasionOf } from '../../../../coordinator/notifications/occasion.ts';
import { askForPulls, changePull } from '../../../../coordinator/forge/pulls/pull-commands.ts';
import { readEventsAfter } from '../../../../coordinator/sqlite/events.ts';
import { PullsScene } from '../../../support/pulls-scene.ts';

test('a person is told once that checks of a commit have failed, and that it was merged', async (t) => {
  const scene = await PullsScene.start(t, {}, { look_ms_min: 3_600_000, look_ms_max: 3_600_000 });
  const errand = scene.errand();
  await scene.work(errand);
  const { id, number } = await scene.opened(errand);
  await scene.pulls.stop();
  const change = (to: object) => scene.log.write((tx) => changePull(tx, id, to, new Date().toISOString()));
  const failed_names = ['lint', 'license/cla', 'test'];
  const failed_states = ['failed', 'needs_action', 'cancelled'];
  const failed = { running: 0, passed: 1, failed: 2, cancelled: 1, failed_names, failed_states };
  change({ checks: failed });
  change({ checks: { ...failed, running: 1, failed: 0 } });
  change({ checks: failed });
  change({ checks: { ...failed, failed: 0, cancelled: 1, failed_names: ['lint'], failed_states: ['cancelled'] } });
  change({ title: 'Better' });
  change({ state: 'merged', next_look_at: null });
  const { events } = readEventsAfter(scene.log.db, 0, OCCASION_TYPES, { rows_max: 100, bytes_max: 1e6 });
  const told = events
    .filter(({ type }) => type === 'pull.changed')
    .flatMap((event) => {
      const occasion = occasionOf(event);
      const row = {
        id: newId(),
        channel_id: '-',
        task_id: errand.id,
        event_id: event.id,
        schedule_id: null,
        tries: 0,
        next_at: null,
      };
      return occasion ? [{ ...row, ...occasion, created_at: event.at }] : [];
    });
  const said = told.map((row) => {
    const composed = compose(scene.log.db, row);
    return [row.occasion, composed?.message.text, composed?.current];
  });
  t.deepEqual(said, [
    ['failed', `Pull request #${number}: lint, license/cla (needs an action)`, false],
    ['failed', `Pull request #${number}: lint, license/cla (needs an action)`, false],
    ['done', `Pull request #${number}: merged`, true],
  ]);
  // A channel is told of each subject once.
  t.is(new Set(told.map(({ subject }) => subject)).size, 2);
});

test('a person is told that newer work is not in the pull request that was merged, and what becomes of it', async (t) => {
  const cases = [
    { pull_requests: 'ready', state: 'merged', what: 'this work gets a new one.' },
    { pull_requests: 'none', state: 'merged', what: 'this work is in none yet.' },
    { pull_requests: 'ready', state: 'closed', what: 'this work is in none yet.' },
  ] as const;
  for (const { pull_requests, state, what } of cases) {
    const scene = await PullsScene.start(t, { pull_requests });
    const errand = scene.errand();
    await scene.work(errand);
    scene.log.write((tx) => askForPulls(tx, scene.user_id, errand.id, {}, new Date().toISOString()));
    const { id, number } = await scene.opened(errand);
    await scene.pulls.stop();
    const said = () => saidOf(scene, errand.id).at(-1);
    t.is(said(), 'Mend the parser');
    await scene.work(errand, 'Once more', 'more.txt');
    t.is(said(), 'Once more', 'it is open');
    const final = { state, next_look_at: null };
    scene.log.write((tx) => changePull(tx, id, final, new Date().toISOString()));
    await scene.work(errand, 'And more', 'and-more.txt');
    t.is(said(), `Pull request #${number} is ${state} already: ${what}\n\nAnd more`);
  }
});

test('a person is told that work which follows what was taken back gets a new pull request', async (t) => {
  const scene = await PullsScene.start(t);
  const errand = scene.errand();
  await scene.work(errand);
  const { id, number } = await scene.opened(errand);
  await scene.pulls.stop();
  const head_commit = await scene.takeBack(errand);
  const closed = { state: 'closed' as const, head_commit, next_look_at: null };
  scene.log.write((tx) => changePull(tx, id, closed, new Date().toISOString()));
  const said = () => saidOf(scene, errand.id).at(-1);
  t.is(said(), 'Taken back');
  await scene.work(errand, 'Another way', 'other.txt');
  t.is(said(), `Pull request #${number} is closed already: this work gets a new one.\n\nAnother way`);
});

test('a person is told that newer work is not in the pull request whose merge was learned later', async (t) => {
  const scene = await PullsScene.start(t);
  const errand = scene.errand();
  await scene.work(errand);
  const { id, number, head } = await scene.opened(errand);
  await scene.pulls.stop();
  await scene.work(errand, 'Once more', 'more.txt');
  const merged = { state: 'merged' as const, head_commit: head.commit, next_look_at: null };
  scene.log.write((tx) => changePull(tx, id, merged, new Date().toISOString()));
  t.is(saidOf(scene, errand.id).at(-1), `Pull request #${number}: merged; newer work gets a new one`);
});

/** The texts of the notifications of an errand, as they would be sent now. */
function saidOf({ log }: PullsScene, task_id: string): (string | undefined)[] {
  const { events } = readEventsAfter(log.db, 0, OCCASION_TYPES, { rows_max: 100, bytes_max: 1e6 });
  return events.flatMap((event) => {
    const occasion = event.task_id === task_id ? occasionOf(event) : undefined;
    if (!occasion) return [];
    const row = {
      id: newId(),
      channel_id: '-',
      task_id,
      event_id: event.id,
      schedule_id: null,
      tries: 0,
      next_at: null,
    };
    return [compose(log.db, { ...row, ...occasion, created_at: event.at })?.message.text];
  });
}
