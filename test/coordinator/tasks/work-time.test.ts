import test from 'ava';
import { workedMs } from '../../../coordinator/client/errand/worked-ms.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { StagedErrand } from '../../support/staged-errand.ts';
import { startApi } from '../../support/start-api.ts';

const NOTHING = { branch: null, commit: null, base_commit: null, diff_stat: { files: 0, insertions: 0, deletions: 0 } };

test('an errand tells how long it was at work, and leaves out how long it waited', async (t) => {
  const { log, ...server } = await startApi(t);
  const { api } = await server.person();
  const { id } = await sendErrand(api);
  const params = { id };
  const read = () => api.call('getTask', { params });
  t.deepEqual((await read()).work, { ms: 0, since: null });
  const errand = new StagedErrand(log, id);
  errand.begin();
  const began_at = (await read()).attempts[0]?.started_at;
  t.deepEqual((await read()).work, { ms: 0, since: began_at });
  errand.end('succeeded', null, { ...NOTHING, summary: 'Done' });
  const setTimes = (n: number, from: string, to: string) =>
    log.db
      .prepare('UPDATE attempts SET started_at = ?, ended_at = ? WHERE task_id = ? AND n = ?')
      .run(`2026-01-0${from}.250Z`, `2026-01-0${to}.000Z`, id, n);
  setTimes(1, '1T08:00:00', '1T08:03:00');
  await api.call('createMessage', { params, body: { text: 'Go on' } });
  errand.begin();
  errand.end('failed', 'agent_error');
  setTimes(2, '2T08:00:00', '2T08:00:30');
  const ms = 3 * 60_000 + 30_000 - 2 * 250;
  t.deepEqual((await read()).work, { ms, since: null });
  const [listed] = (await api.call('listTasks', { query: {} })).items;
  t.deepEqual(listed?.work, { ms, since: null });
});

test('the time of an attempt in progress counts up to now; an older server tells its begin and end only', (t) => {
  const [started_at, ended_at] = ['2026-01-01T08:00:00.000Z', '2026-01-01T10:00:00.000Z'];
  const now = Date.parse(started_at) + 60_000;
  t.is(workedMs({ work: { ms: 5_000, since: started_at }, started_at, ended_at: null }, now), 65_000);
  t.is(workedMs({ work: { ms: 5_000, since: null }, started_at, ended_at }, now), 5_000);
  t.is(workedMs({ started_at, ended_at }, now), 7_200_000);
  t.is(workedMs({ started_at, ended_at: null }, now), 60_000);
  t.is(workedMs({ started_at: null, ended_at: null }, now), 0);
});
