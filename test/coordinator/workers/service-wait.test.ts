import test from 'ava';
import { addTask, addUser, startServer, time } from '../../support/dispatching.ts';
import { temporaryFolder } from '../../support/folder.ts';

/** The columns of a task that waits for a service for this long. */
const parked = (wait_ms: number) => ({
  attempt: 1,
  reason: 'model_unavailable' as const,
  outage_since: time(-60_000),
  queued_at: time(-60_000),
  retry_at: time(wait_ms),
});

test.serial('a task that waits for a service starts by itself at its time, after a restart too', async (t) => {
  const data_dir = await temporaryFolder(t);
  const first = await startServer(t, { data_dir });
  const { id } = addTask(first.db, addUser(first.db), parked(4_000));
  first.dispatcher.wake();
  await first.stop();
  const server = await startServer(t, { data_dir });
  const retry_at = Date.parse(server.task(id).retry_at ?? '');
  t.is(server.task(id).status, 'queued');
  await server.reaches(id, 'succeeded');
  const [begun] = server.attempts(id);
  t.true(Date.parse(begun?.started_at ?? '') >= retry_at);
});

test.serial('a message, and a cancel, end the wait of a task for a service at once', async (t) => {
  const server = await startServer(t);
  const user_id = addUser(server.db);
  const [told, ended] = [0, 1].map(() => addTask(server.db, user_id, parked(3_600_000)));
  server.dispatcher.wake();
  server.say(told?.id ?? '', 'It is back.');
  server.cancel(ended?.id ?? '');
  t.like(server.task(ended?.id ?? ''), { status: 'cancelled', attempt: 1, retry_at: null });
  await server.reaches(told?.id ?? '', 'succeeded');
  t.is(server.task(told?.id ?? '').attempt, 2);
});
