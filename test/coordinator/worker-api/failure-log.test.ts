import test from 'ava';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { DiskFull } from '../../../coordinator/sqlite/event-log.ts';
import { setListenerScene as start } from '../../support/listener-scene.ts';
import { callWorkerApi } from '../../support/worker-api-call.ts';

/** The lines of the log, at `info`, after a worker has fetched its assignment, which fails with this error. */
async function logOf(t: Parameters<typeof start>[0], error: Error) {
  const lines: unknown[] = [];
  const logger = createLogger('info', { write: (line) => lines.push(JSON.parse(line)) });
  const { where, id, attempt, token } = await start(t, { logger, assignment: () => Promise.reject(error) });
  const { status } = await callWorkerApi(where, { path: `/internal/tasks/${id}/assignment`, token });
  return { status, lines, attempt: { task_id: id, attempt } };
}

test('the log names the attempt whose call has failed', async (t) => {
  const { status, lines, attempt } = await logOf(t, new Error('a bug'));
  t.is(status, 500);
  t.like(lines, [{ ...attempt, msg: 'worker call failed', level: 50 }]);
});

test('a call that a full disk refuses leaves no line', async (t) => {
  const { status, lines } = await logOf(t, new DiskFull());
  t.is(status, 503);
  t.deepEqual(lines, []);
});
