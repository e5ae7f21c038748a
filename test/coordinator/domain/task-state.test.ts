import test from 'ava';
import { ErrandError } from '../../../protocol/problem.ts';
import { FAILURE_IS_WORTH_A_RETRY, FailureReason, isEnded } from '../../../protocol/task.ts';
import {
  FAILURES_MAX,
  isActive,
  nextState,
  START_FAILURES_MAX,
  type TaskAction,
  type TaskState,
} from '../../../coordinator/domain/task-state.ts';

const born: TaskState = {
  status: 'queued',
  reason: null,
  detail: null,
  attempt: 0,
  failures: 0,
  cancel_reason: null,
  queued_at: '2026-01-01T00:00:00.000Z',
  retry_at: null,
  started_at: null,
  ended_at: null,
};
const at = '2026-01-01T01:00:00.000Z';
const lost: TaskAction = { type: 'attempt_ended', status: 'failed', reason: 'worker_lost', detail: 'silent', at };
const started: TaskAction = { type: 'attempt_started', at };
const called: TaskAction = { type: 'worker_called', at };

/** What becomes of a task that all of this happens to, in this order. */
const after = (...actions: TaskAction[]): TaskState => actions.reduce(nextState, born);
const ended = (status: 'succeeded' | 'failed' | 'cancelled', reason: FailureReason | null = null): TaskAction => ({
  type: 'attempt_ended',
  status,
  reason,
  detail: 'why',
  at,
});

test('a task is started, runs, waits for an answer, and succeeds', (t) => {
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

test('a failure that another attempt may mend is tried again, later each time, until there were too many', (t) => {
  let task = born;
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

test('a worker that cannot be started is tried again for as long as an engine may be away', (t) => {
  let task = born;
  for (let i = 1; i < START_FAILURES_MAX; i++) {
    task = nextState(nextState(task, started), ended('failed', 'worker_start_failed'));
    t.like(task, { status: 'queued', failures: i });
  }
  t.is(Date.parse(task.retry_at ?? '') - Date.parse(at), 120_000);
  t.is(nextState(nextState(task, started), ended('failed', 'worker_start_failed')).status, 'failed');
});

test('a worker that ran out of memory is tried once more, and after another failure anew', (t) => {
  const eaten = ended('failed', 'out_of_memory');
  const twice = after(started, called, eaten, started, called, eaten);
  t.like(twice, { status: 'failed', reason: 'out_of_memory', failures: 2 });
  t.is(after(started, eaten, started, lost, started, eaten).status, 'queued');
  t.is(nextState(nextState(nextState(twice, { type: 'retry', at }), started), eaten).status, 'queued');
});

for (const reason of FailureReason.options)
  test(`whether ${reason} is worth another attempt`, (t) => {
    const { status } = after(started, called, ended('failed', reason));
    t.is(status, FAILURE_IS_WORTH_A_RETRY[reason] ? 'queued' : 'failed');
  });

test('a cancel ends a queued task at once, and a running one when its attempt has ended, however it did', (t) => {
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

test('a message or a retry brings an ended task back, and what failed before no longer counts', (t) => {
  const failed = after(started, ended('failed', 'stuck'));
  for (const type of ['message', 'retry'] as const)
    t.deepEqual(nextState(failed, { type, at }), { ...born, attempt: 1, started_at: at, queued_at: at });
  t.is(nextState(after(started, ended('succeeded')), { type: 'message', at }).status, 'queued');
});

test('a cancel of what is cancelled changes nothing', (t) => {
  const cancelled = after({ type: 'cancel', reason: 'x', at });
  t.is(nextState(cancelled, { type: 'cancel', reason: 'again', at }), cancelled);
});

test('what a person may not do now is a conflict', (t) => {
  const cancel: TaskAction = { type: 'cancel', reason: 'x', at };
  const running = after(started, called);
  const refused: [TaskState, TaskAction][] = [
    [after(started, ended('succeeded')), cancel],
    [after(started, ended('succeeded')), { type: 'retry', at }],
    [running, { type: 'retry', at }],
    [born, { type: 'retry', at }],
    [nextState(running, cancel), { type: 'message', at }],
  ];
  for (const [task, action] of refused) t.throws(() => nextState(task, action), { code: 'conflict' });
});

test('whatever happens in whatever order, the rules of a life hold', (t) => {
  for (let seed = 1; seed <= 2_000; seed++) {
    const random = randomOf(seed);
    let task = Object.freeze({ ...born });
    for (let step = 0; step < 40; step++) {
      const action = anything(random);
      const before = task;
      try {
        task = Object.freeze(nextState(before, action));
      } catch (error) {
        const persons = ['cancel', 'message', 'retry'].includes(action.type);
        if (persons !== error instanceof ErrandError) t.fail(`seed ${seed}: ${action.type} threw ${String(error)}`);
        continue;
      }
      const broken = ruleBroken(before, action, task);
      if (broken !== undefined)
        t.fail(`seed ${seed}, ${action.type}: ${broken}\n${JSON.stringify(before)}\n${JSON.stringify(task)}`);
    }
  }
  t.pass();
});

function ruleBroken(before: TaskState, action: TaskAction, task: TaskState): string | undefined {
  const { type } = action;
  const rules: Record<string, boolean> = {
    'an end is left only by a person':
      !isEnded(before.status) || task === before || type === 'message' || type === 'retry',
    'an attempt is only ever added, and by its start':
      task.attempt === before.attempt + (type === 'attempt_started' ? 1 : 0),
    'only a queued task starts an attempt': type !== 'attempt_started' || before.status === 'queued',
    'it has ended when it has an end': isEnded(task.status) === (task.ended_at !== null),
    'only a queued task waits for another try': task.retry_at === null || task.status === 'queued',
    'only a task at work is being cancelled': task.cancel_reason === null || isActive(task.status),
    'no more than so many fail in a row':
      task.status !== 'queued' ||
      task.failures < (task.reason === 'worker_start_failed' ? START_FAILURES_MAX : FAILURES_MAX),
    'a reason is there where it failed': task.status !== 'failed' || task.reason !== null,
    'what succeeded or was cancelled has none':
      (task.status !== 'succeeded' && task.status !== 'cancelled') || task.reason === null,
    'the same object where nothing changed': task === before || JSON.stringify(task) !== JSON.stringify(before),
  };
  return Object.entries(rules).find(([, gate]) => !gate)?.[0];
}

function anything(random: () => number): TaskAction {
  const pick = <T>(items: readonly T[], fallback: T): T => items[Math.floor(random() * items.length)] ?? fallback;
  const time = new Date(Date.parse(at) + Math.floor(random() * 1e9)).toISOString();
  const type = pick(
    [
      'attempt_started',
      'worker_called',
      'question_asked',
      'question_closed',
      'attempt_ended',
      'cancel',
      'message',
      'retry',
    ] as const,
    'retry',
  );
  if (type === 'cancel') return { type, reason: 'x', at: time };
  if (type !== 'attempt_ended') return { type, at: time };
  const status = pick(['succeeded', 'failed', 'failed', 'cancelled'] as const, 'failed');
  return {
    type,
    status,
    reason: status === 'failed' ? pick(FailureReason.options, 'stuck') : null,
    detail: null,
    at: time,
  };
}

/** A generator of numbers from 0 to 1 that gives the same ones for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), 1 | state);
    z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z;
    return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
  };
}
