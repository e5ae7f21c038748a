import test from 'ava';
import { newId } from '../../../../protocol/ids.ts';
import { compose } from '../../../../coordinator/notifications/message.ts';
import { OCCASION_TYPES, occasionOf } from '../../../../coordinator/notifications/occasion.ts';
import { changePull } from '../../../../coordinator/forge/pulls/pull-commands.ts';
import { readEventsAfter } from '../../../../coordinator/sqlite/events.ts';
import { PullsScene } from '../../../support/pulls-scene.ts';

test('a person is told once that checks of a commit have failed, and that it was merged', async (t) => {
  const scene = await PullsScene.start(t, {}, { look_ms_min: 3_600_000, look_ms_max: 3_600_000 });
  const errand = scene.errand();
  await scene.work(errand);
  const { id, number } = await scene.opened(errand);
  await scene.pulls.stop();
  const change = (to: object) => scene.log.write((tx) => changePull(tx, id, to, new Date().toISOString()));
  const failed = { running: 0, passed: 1, failed: 1, failed_names: ['lint'] };
  change({ checks: failed });
  change({ checks: { ...failed, running: 1, failed: 0 } });
  change({ checks: failed });
  change({ title: 'Better' });
  change({ state: 'merged', next_look_at: null });
  const { events } = readEventsAfter(scene.log.db, 0, OCCASION_TYPES, { rows_max: 100, bytes_max: 1e6 });
  const told = events
    .filter(({ type }) => type === 'pull.changed')
    .flatMap((event) => {
      const occasion = occasionOf(event);
      const row = { id: newId(), channel_id: '-', task_id: errand.id, event_id: event.id, tries: 0, next_at: null };
      return occasion ? [{ ...row, ...occasion, created_at: event.at }] : [];
    });
  const said = told.map((row) => {
    const composed = compose(scene.log.db, row);
    return [row.occasion, composed?.message.text, composed?.current];
  });
  t.deepEqual(said, [
    ['failed', `Pull request #${number}: lint`, false],
    ['failed', `Pull request #${number}: lint`, false],
    ['done', `Pull request #${number}: merged`, true],
  ]);
  // A channel is told of each subject once.
  t.is(new Set(told.map(({ subject }) => subject)).size, 2);
});
