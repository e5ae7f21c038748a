import test, { type ExecutionContext } from 'ava';
import { listAttempts } from '../../../coordinator/sqlite/attempts.ts';
import { listOpenNeeds } from '../../../coordinator/sqlite/needs.ts';
import { addMessage } from '../../../coordinator/tasks/task-commands.ts';
import { askQuestion } from '../../../coordinator/tasks/needs.ts';
import { advance, endAttempt } from '../../../coordinator/tasks/advance.ts';
import { DispatchGate } from '../../../coordinator/tasks/dispatch-gate.ts';
import { Watchdogs, watchdogTimes } from '../../../coordinator/workers/watchdogs.ts';
import { addTask, addUser, runTask, taskOf } from '../../support/fixtures.ts';
import { SILENT } from '../../support/silent.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { startWorkerApiScene } from '../../support/worker-api-scene.ts';
import { until } from '../../support/until.ts';

/** Watchdogs, and the attempts of a person whose workers call but do nothing. */
async function watched(t: ExecutionContext) {
  const { log, relay, close } = await startWorkerApiScene({ folder: await temporaryFolder(t) });
  const times = watchdogTimes({ time_limit_ms: 60_000, stall_ms: 400, wait_grace_ms: 100 });
  const { progress } = new Watchdogs({ log, relay, gate: new DispatchGate(SILENT), logger: SILENT, times });
  progress.start();
  t.teardown(async () => {
    progress.stop();
    await close();
  });
  const user_id = addUser(log);
  const start = (within_ms: number) => {
    const { id } = addTask(log, user_id);
    runTask(log, id);
    progress.begin(id, 1, within_ms);
    return id;
  };
  const ask = (id: string) =>
    log.write((tx) => {
      const at = new Date().toISOString();
      const body = { ref: 'q', question: 'Which?' };
      tx.appendAll([
        { task_id: id, user_id, attempt: 1, seq: 1, type: 'question.asked', at, body: JSON.stringify(body) },
      ]);
      askQuestion(tx, advance(tx, taskOf(log, id), { type: 'question_asked', at }), body, at);
    });
  /** The first attempt asks, and is lost; the second one runs. */
  const loseAsking = (within_ms: number) => {
    const id = start(60_000);
    ask(id);
    const lost = { status: 'failed', reason: 'worker_lost', detail: 'Gone.', at: new Date().toISOString() } as const;
    log.write((tx) => endAttempt(tx, taskOf(log, id), 1, lost));
    runTask(log, id);
    progress.begin(id, 2, within_ms);
    return id;
  };
  const say = (id: string, text: string) => log.write((tx) => addMessage(tx, user_id, id, { text }));
  return { log, progress, start, ask, loseAsking, say, attemptOf: (id: string) => listAttempts(log.db, id).at(-1) };
}

test('an open question is a wait for the person, whatever its worker reports, until it is answered', async (t) => {
  const { log, progress, start, ask, say, attemptOf } = await watched(t);
  const asking = start(60_000);
  ask(asking);
  const since = new Date().toISOString();
  progress.recordWait(asking, 1, { kind: 'model', since });
  const idle = start(60_000);
  await until('one has stalled', () => attemptOf(idle)?.status === 'failed');
  const again = start(60_000);
  await until('another has stalled', () => attemptOf(again)?.status === 'failed');
  t.is(taskOf(log, asking).status, 'waiting');
  say(asking, 'The second.');
  await until('it took no answer', () => attemptOf(asking)?.status === 'failed');
  t.is(attemptOf(asking)?.reason, 'worker_hung');
});

test('a question does not extend a wait that has an end', async (t) => {
  const { progress, start, ask, attemptOf } = await watched(t);
  const asking = start(60_000);
  ask(asking);
  const since = new Date().toISOString();
  progress.recordWait(asking, 1, { kind: 'command', command: 'make', since, until: since });
  await until('it has stalled', () => attemptOf(asking)?.reason === 'worker_hung');
  t.pass();
});

test('an attempt that asks at its deadline is parked, and its answer starts the next one', async (t) => {
  const { log, start, ask, say, attemptOf } = await watched(t);
  const asking = start(50);
  ask(asking);
  const working = start(50);
  await until('both have ended', () => [asking, working].every((id) => attemptOf(id)?.ended_at));
  t.like(attemptOf(working), { status: 'failed', reason: 'time_limit' });
  t.like(attemptOf(asking), { status: 'parked', reason: null });
  t.like(taskOf(log, asking), { status: 'parked', waiting_for: { kind: 'person', question: 'Which?' } });
  t.is(listOpenNeeds(log.db, asking).length, 1);
  say(asking, 'The second.');
  t.is(taskOf(log, asking).status, 'queued');
});

test('a question that an earlier attempt left open is not what the next one waits for', async (t) => {
  const { log, loseAsking, attemptOf } = await watched(t);
  const [hanging, late] = [loseAsking(60_000), loseAsking(50)];
  await until('both have ended', () => [hanging, late].every((id) => attemptOf(id)?.ended_at));
  t.like(attemptOf(hanging), { n: 2, status: 'failed', reason: 'worker_hung' });
  t.like(attemptOf(late), { n: 2, status: 'failed', reason: 'time_limit' });
  t.is(listOpenNeeds(log.db, hanging).length, 1);
});
