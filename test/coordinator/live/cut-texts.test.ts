import test from 'ava';
import type { TaskChange } from '../../../protocol/task.ts';
import { updateResult } from '../../../coordinator/sqlite/progress.ts';
import { addLogEvents, addTask } from '../../support/fixtures.ts';
import { LightClient } from '../../support/light-client.ts';
import { setSocketScene as start } from '../../support/socket-scene.ts';

const NO_CHANGES = {
  branch: null,
  commit: null,
  base_commit: null,
  diff_stat: { files: 0, insertions: 0, deletions: 0 },
};

for (const [what, prompt, is_cut] of [
  ['short', 'Fix it', false],
  ['long', 'x'.repeat(6_000), true],
] as const)
  test(`a change with a text says whether the texts are cut, whatever was told before: a ${what} prompt`, async (t) => {
    const { scene, user_id } = await start(t);
    const { id } = addTask(scene.log, user_id, { prompt });
    const phone = new LightClient(scene.socket_url, user_id);
    await phone.connect();
    await phone.caughtUp();
    /** What is told of the task next. */
    const told = async (act: () => void): Promise<TaskChange> => {
      const before = phone.client.of('tasks').length;
      act();
      addLogEvents(scene.log, { id, user_id }, 1);
      await phone.client.until(() => phone.client.of('tasks').length > before);
      return phone.client.of('tasks').at(-1)?.tasks[0] ?? { id: '' };
    };
    const report = (summary: string) => () =>
      scene.log.write((tx) => updateResult(tx.db, id, { ...NO_CHANGES, summary }, new Date().toISOString()));
    t.is((await told(() => undefined)).shortened, is_cut);
    t.is((await told(() => undefined)).shortened, undefined, 'no text is in it');
    const long = await told(report('y'.repeat(10_000)));
    t.true((long.result?.summary.length ?? 0) < 10_000);
    t.true(long.shortened);
    t.is((await told(report('Done'))).shortened, is_cut);
    await phone.client.close();
  });
