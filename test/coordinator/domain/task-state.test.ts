import test from 'ava';
import { ErrandError } from '../../../protocol/problem.ts';
import { FAILURE_IS_WORTH_A_RETRY, FailureReason } from '../../../protocol/failures.ts';
import { isEnded } from '../../../protocol/task.ts';
import {
  FAILURES_MAX,
  isActive,
  nextState,
  START_FAILURES_MAX,
  type TaskAction,
  type TaskState,
} from '../../../coordinator/domain/task-state.ts';
import { OUTAGE_MS_MAX } from '../../../coordinator/domain/outage.ts';
import { Random } from '../../support/random.ts';

const QUEUED: TaskState = {
  status: 'queued',
  reason: null,
  detail: null,
  attempt: 0,
  failures: 0,
  cancel_reason: null,
  queued_at: '2026-01-01T00:00:00.000Z',
  retry_at: null,
  outage_since: null,
  started_at: null,
  ended_at: null,
};
const at = '2026-01-01T01:00:00.000Z';
const lost: TaskAction = { type: 'attempt_ended', status: 'failed', reason: 'worker_lost', detail: 'silent', at };
const started: TaskAction = { type: 'attempt_started', at };
const called: TaskAction = { type: 'worker_called', at };

/** The state of a new task after these actions. */
const after = (...actions: TaskAction[]): TaskState => actions.reduce(nextState, QUEUED);
const ended = (status: 'succeeded' | 'failed' | 'cancelled', reason: FailureReason | null = null): TaskAction => ({
  type: 'attempt_ended',
  status,
  reason,
  detail: 'why',
  at,
});

test('a task starts, runs, waits for an answer and succeeds', (t) => {
  const path: TaskAction[] = [
    started,
    called,
    { type: 'question_asked', at },
    { type: 'question_closed', at },
    ended('succeeded'),
  ];
  const statuses = path.map((_, i) => after(...path.slice(0, i + 1)).status);
  t.deepEqual(statuses, ['starting', 'running', 'waiting', 'running', 'succeeded']);
  t.like(after(...path), { attempt: 1, started_at: at, ended_at: at, reason: null });
});

test('a retryable failure is retried with backoff, up to the limit', (t) => {
  let task = QUEUED;
  const waits: number[] = [];
  for (let i = 1; i < FAILURES_MAX; i++) {
    task = nextState(nextState(task, started), lost);
    t.like(task, { status: 'queued', reason: 'worker_lost', failures: i, attempt: i, ended_at: null });
    waits.push(Date.parse(task.retry_at ?? '') - Date.parse(at));
  }
  t.deepEqual(waits, [2_000, 8_000, 32_000]);
  t.like(nextState(nextState(task, started), lost), {
    status: 'failed',
    reason: 'worker_lost',
    retry_at: null,
    ended_at: at,
  });
});

test('an outage is waited for by time, not by attempts, and with growing pauses', (t) => {
  const begin = Date.parse(at);
  for (const reason of ['model_unavailable', 'repository_unavailable', 'push_failed'] as const) {
    let [task, now, attempts] = [QUEUED, begin, 0];
    const waits: number[] = [];
    while (task.status === 'queued') {
      const end = { ...ended('failed', reason), at: new Date(now).toISOString() };
      task = nextState(nextState(task, started), end);
      attempts++;
      if (task.retry_at === null) break;
      waits.push(Date.parse(task.retry_at) - now);
      now = Date.parse(task.retry_at) + 1_000;
      t.is(task.failures, 0);
    }
    t.true(now - begin > OUTAGE_MS_MAX && now - begin < OUTAGE_MS_MAX + 1_200_000);
    t.true(attempts > FAILURES_MAX && attempts < 60, `${attempts} attempts`);
    t.deepEqual(
      waits,
      waits.toSorted((a, b) => a - b),
    );
    t.like(task, { status: 'failed', reason });
    t.regex(task.detail ?? '', /why It has been like this since 2026-01-01T01:00/);
  }
});

const outage = (fields: object): TaskAction => ({ ...ended('failed', 'model_unavailable'), ...fields });
const inHours = (hours: number) => new Date(Date.parse(at) + hours * 3_600_000).toISOString();

test('a wait that a service names is kept, up to a week, and costs no attempt', (t) => {
  const parked = after(started, called, outage({ retry_at: inHours(2) }));
  t.like(parked, { status: 'queued', retry_at: inHours(2), failures: 0, outage_since: at });
  const again = [started, called, outage({ at: inHours(2), retry_at: inHours(30) })].reduce(nextState, parked);
  t.like(again, { status: 'queued', retry_at: inHours(30), failures: 0, outage_since: at });
  t.like(after(started, outage({ retry_at: inHours(24 * 8) })), { status: 'failed', reason: 'model_unavailable' });
  const past = after(started, outage({ retry_at: inHours(-5) }));
  t.true(Date.parse(past.retry_at ?? '') > Date.parse(at));
});

test('an attempt in which the model answered ends an outage; so do success, another failure and a retry', (t) => {
  const parked = after(started, called, outage({ retry_at: inHours(2) }));
  const later = [started, called, outage({ at: inHours(7), progressed: true })].reduce(nextState, parked);
  t.like(later, { status: 'queued', outage_since: inHours(7) });
  t.is([started, called, lost].reduce(nextState, parked).outage_since, null);
  t.is([started, called, ended('succeeded')].reduce(nextState, parked).outage_since, null);
});

test('an outage after a long named wait is a new one, and is waited for as long as any', (t) => {
  const parked = after(started, called, outage({ retry_at: inHours(20) }));
  const end = { at: inHours(20), waited_ms: 20 * 3_600_000 };
  const later = [started, called, outage(end)].reduce(nextState, parked);
  t.like(later, { status: 'queued', outage_since: inHours(20) });
  // The waits between two tries of one outage are short, however long the attempts take.
  let [task, hours] = [later, 20];
  for (; task.status === 'queued' && hours < 40; hours++)
    task = [started, called, outage({ at: inHours(hours), waited_ms: 600_000 })].reduce(nextState, task);
  t.is(task.status, 'failed');
  t.true(hours > 26 && hours < 30, `${hours} hours`);
});

test('workers that are lost with their engine cost no attempts, for as long as an outage', (t) => {
  const gone = (hours: number, progressed = false): TaskAction => ({
    type: 'attempt_ended',
    status: 'failed',
    reason: 'worker_lost',
    detail: 'gone',
    at: inHours(hours),
    engine_lost: true,
    progressed,
  });
  let task = after(started, called, lost);
  for (let i = 0; i < 2 * FAILURES_MAX; i++) {
    task = [started, called, gone(i, true)].reduce(nextState, task);
    t.like(task, { status: 'queued', reason: 'worker_lost', failures: 1, outage_since: inHours(i) });
  }
  for (let hours = 8; task.status === 'queued' && hours < 40; hours++)
    task = [started, called, gone(hours)].reduce(nextState, task);
  t.like(task, { status: 'failed', reason: 'worker_lost', ended_at: inHours(14) });
});

test('a message, a retry or a cancel ends the wait of a queued task', (t) => {
  const parked = after(started, called, outage({ retry_at: inHours(2) }));
  t.like(nextState(parked, { type: 'message', at }), { status: 'queued', retry_at: null, outage_since: at });
  t.like(nextState(parked, { type: 'retry', at }), { status: 'queued', retry_at: null });
  t.like(nextState(parked, { type: 'cancel', reason: 'enough', at }), { status: 'cancelled', retry_at: null });
});

test('a worker that cannot be started is retried more often', (t) => {
  let task = QUEUED;
  for (let i = 1; i < START_FAILURES_MAX; i++) {
    task = nextState(nextState(task, started), ended('failed', 'worker_start_failed'));
    t.like(task, { status: 'queued', failures: i });
  }
  t.is(Date.parse(task.retry_at ?? '') - Date.parse(at), 120_000);
  t.is(nextState(nextState(task, started), ended('failed', 'worker_start_failed')).status, 'failed');
});

test('running out of memory is retried once; the count starts again after another failure or a retry', (t) => {
  const oom = ended('failed', 'out_of_memory');
  const twice = after(started, called, oom, started, called, oom);
  t.like(twice, { status: 'failed', reason: 'out_of_memory', failures: 2 });
  t.is(after(started, oom, started, lost, started, oom).status, 'queued');
  t.is(nextState(nextState(nextState(twice, { type: 'retry', at }), started), oom).status, 'queued');
});

for (const reason of FailureReason.options)
  test(`${reason} is ${FAILURE_IS_WORTH_A_RETRY[reason] ? 'retried' : 'not retried'}`, (t) => {
    const { status } = after(started, called, ended('failed', reason));
    t.is(status, FAILURE_IS_WORTH_A_RETRY[reason] ? 'queued' : 'failed');
  });

test('a cancel ends a queued task at once and a running task when its attempt ends, whatever its outcome', (t) => {
  const cancel: TaskAction = { type: 'cancel', reason: 'enough', at };
  t.like(after(cancel), { status: 'cancelled', detail: 'enough', ended_at: at });
  t.like(after(started, lost, cancel), { status: 'cancelled', reason: null, retry_at: null });
  t.like(after(started, called, cancel), { status: 'running', cancel_reason: 'enough' });
  for (const end of [lost, ended('cancelled'), ended('failed', 'stuck')])
    t.like(after(started, called, cancel, end), {
      status: 'cancelled',
      detail: 'enough',
      reason: null,
      cancel_reason: null,
    });
  t.like(after(started, called, cancel, ended('succeeded')), { status: 'succeeded', cancel_reason: null });
  t.is(after(started, cancel, { ...cancel, reason: 'again' }).cancel_reason, 'enough');
});

test('a message or a retry queues an ended task again and resets its failures', (t) => {
  const failed = after(started, ended('failed', 'stuck'));
  for (const type of ['message', 'retry'] as const)
    t.deepEqual(nextState(failed, { type, at }), { ...QUEUED, attempt: 1, started_at: at, queued_at: at });
  t.is(nextState(after(started, ended('succeeded')), { type: 'message', at }).status, 'queued');
});

test('cancelling a cancelled task changes nothing', (t) => {
  const cancelled = after({ type: 'cancel', reason: 'x', at });
  t.is(nextState(cancelled, { type: 'cancel', reason: 'again', at }), cancelled);
});

test('a user action that the status does not allow is a conflict', (t) => {
  const cancel: TaskAction = { type: 'cancel', reason: 'x', at };
  const running = after(started, called);
  const refused: [TaskState, TaskAction][] = [
    [after(started, ended('succeeded')), cancel],
    [after(started, ended('succeeded')), { type: 'retry', at }],
    [running, { type: 'retry', at }],
    [QUEUED, { type: 'retry', at }],
    [nextState(running, cancel), { type: 'message', at }],
  ];
  for (const [task, action] of refused) t.throws(() => nextState(task, action), { code: 'conflict' });
});

test('the invariants hold after any sequence of actions', (t) => {
  for (let seed = 1; seed <= 2_000; seed++) {
    const random = new Random(seed);
    let task = Object.freeze({ ...QUEUED });
    for (let step = 0; step < 40; step++) {
      const action = randomAction(random);
      const before = task;
      try {
        task = Object.freeze(nextState(before, action));
      } catch (error) {
        const by_user = ['cancel', 'message', 'retry'].includes(action.type);
        if (by_user !== error instanceof ErrandError) t.fail(`seed ${seed}: ${action.type} threw ${String(error)}`);
        continue;
      }
      const broken = brokenInvariant(before, action, task);
      if (broken !== undefined)
        t.fail(`seed ${seed}, ${action.type}: ${broken}\n${JSON.stringify(before)}\n${JSON.stringify(task)}`);
    }
  }
  t.pass();
});

function brokenInvariant(before: TaskState, action: TaskAction, task: TaskState): string | undefined {
  const { type } = action;
  const invariants: Record<string, boolean> = {
    'only a user action leaves an end state':
      !isEnded(before.status) || task === before || type === 'message' || type === 'retry',
    'only attempt_started increments the attempt':
      task.attempt === before.attempt + (type === 'attempt_started' ? 1 : 0),
    'only a queued task starts an attempt': type !== 'attempt_started' || before.status === 'queued',
    'ended_at is set if and only if the task has ended': isEnded(task.status) === (task.ended_at !== null),
    'only a queued task has retry_at': task.retry_at === null || task.status === 'queued',
    'only an active task is being cancelled': task.cancel_reason === null || isActive(task.status),
    'failures in a row stay below the limit':
      task.status !== 'queued' ||
      task.failures < (task.reason === 'worker_start_failed' ? START_FAILURES_MAX : FAILURES_MAX),
    'a failed task has a reason': task.status !== 'failed' || task.reason !== null,
    'a succeeded or cancelled task has no reason':
      (task.status !== 'succeeded' && task.status !== 'cancelled') || task.reason === null,
    'an unchanged state is the same object': task === before || JSON.stringify(task) !== JSON.stringify(before),
  };
  return Object.entries(invariants).find(([, holds]) => !holds)?.[0];
}

const ACTION_TYPES = [
  'attempt_started',
  'worker_called',
  'question_asked',
  'question_closed',
  'attempt_ended',
  'cancel',
  'message',
  'retry',
] as const;

function randomAction(random: Random): TaskAction {
  const time = new Date(Date.parse(at) + random.whole(0, 1e9)).toISOString();
  const type = random.pick(ACTION_TYPES);
  if (type === 'cancel') return { type, reason: 'x', at: time };
  if (type !== 'attempt_ended') return { type, at: time };
  const status = random.pick(['succeeded', 'failed', 'failed', 'cancelled'] as const);
  const reason = status === 'failed' ? random.pick(FailureReason.options) : null;
  const retry_at = random.next() < 0.3 ? new Date(Date.parse(time) + random.whole(-1e9, 1e9)).toISOString() : null;
  return {
    type,
    status,
    reason,
    detail: null,
    at: time,
    retry_at,
    progressed: random.next() < 0.5,
    engine_lost: random.next() < 0.3,
  };
}
