import test from 'ava';
import { MockTask } from './mock-coordinator/task.ts';
import { SUCCEEDED } from './result.ts';

const at = '2026-01-02T03:04:05.678Z';
const started = { type: 'agent.started', body: { agent: 'suite', version: '1', resumed: false } };
const asked = (question = 'Which?') => ({ type: 'question.asked', body: { ref: 'q1', question } });
const closed = { type: 'question.closed', body: { ref: 'q1', answered: true } };
const heard = (message_id: string) => ({
  type: 'input.added',
  body: { turn: 0, source: 'person', message_id, text: 'b' },
});

/** Posts these events of the newest attempt, after its start. */
function report(task: MockTask, ...events: { type: string; body: object }[]): void {
  const { length } = task.events;
  const all = length === 0 ? [started, ...events] : events;
  const numbered = all.map((event, i) => ({ seq: length + i + 1, at, ...event }));
  task.callback('events', { attempt: task.attempt, events: numbered }, task.attempt);
}

function park(task: MockTask): string[] {
  const { attempt, events } = task;
  task.callback('result', { attempt, last_seq: events.length, ...SUCCEEDED, status: 'parked' }, attempt);
  return task.breaches;
}

const asking = () => {
  const task = new MockTask({ park_after_ms: 1000 });
  report(task, asked());
  return task;
};

test('the mock: a worker may park while its question is open, or where the answer has just come', (t) => {
  t.deepEqual(park(asking()), []);
  const answered = asking();
  answered.say('b');
  t.deepEqual(park(answered), []);
});

test('the mock: it is a breach to park before park_after_ms', (t) => {
  const task = new MockTask({ park_after_ms: 60_000 });
  const now = new Date().toISOString();
  task.callback(
    'events',
    {
      attempt: 1,
      events: [
        { seq: 1, at: now, ...started },
        { seq: 2, at: now, ...asked() },
      ],
    },
    1,
  );
  const [words = '', ...more] = park(task);
  t.regex(words, /^The result was parked \d+ ms after the question, and park_after_ms is 60000\.$/);
  t.deepEqual(more, []);
});

test('the mock: it is a breach to park without park_after_ms', (t) => {
  const task = new MockTask({});
  report(task, asked());
  t.deepEqual(park(task), ['The result was parked, but the assignment has no park_after_ms.']);
});

test('the mock: it is a breach to park without a question, and with one that was closed', (t) => {
  const none = new MockTask({ park_after_ms: 1000 });
  report(none);
  t.deepEqual(park(none), ['The result was parked, but no question is open: none was asked.']);
  const over = asking();
  report(over, closed);
  t.deepEqual(park(over), ['The result was parked, but no question is open: q1 was closed already.']);
});

test('the mock: the same question again does not open it where it was answered; another text does', (t) => {
  for (const [question, breaches] of [
    ['Which?', ['The result was parked, but no question is open: q1 was answered already.']],
    ['Really?', []],
  ] as const) {
    const task = asking();
    park(task);
    const { id } = task.say('b');
    task.nextAttempt();
    report(task, heard(id), asked(question));
    t.deepEqual(park(task), [...breaches]);
  }
});

test('the mock refuses a message that was not taken, of a worker that says that it takes them', (t) => {
  for (const takes_messages of [true, false])
    for (const takes of [true, false]) {
      const task = new MockTask({});
      const { id } = task.say('b');
      const start = { type: 'agent.started', body: { ...started.body, takes_messages } };
      const post = (...events: object[]) => task.callback('events', { attempt: 1, events }, 1);
      post({ seq: 1, at, ...start });
      if (takes) task.callback('messages', { attempt: 1, ids: [id] }, 1);
      const add = () => post({ seq: 2, at, ...heard(id) });
      if (takes_messages && !takes) t.throws(add, { code: 'invalid', message: /\/events\/0\/body\/message_id/ });
      else t.notThrows(add);
    }
});

test('the mock tells of a breach at once, and once', (t) => {
  const task = new MockTask({});
  const told: string[] = [];
  task.watch((seen) => {
    if (seen.kind === 'breach') told.push(seen.words);
  });
  report(task);
  task.callback('result', { attempt: 1, last_seq: 1, ...SUCCEEDED }, 1);
  for (let times = 1; times <= 2; times++)
    t.throws(() => task.callback('heartbeat', { attempt: 1, last_seq: 1, waiting_for: null }, 1), {
      code: 'attempt_ended',
    });
  t.deepEqual(told, ['A call of heartbeat came after the result.']);
  t.deepEqual(task.breaches, told);
});

test('the mock: a renewed token of an attempt that was given up is stale, and not unknown', (t) => {
  const task = new MockTask({});
  task.tokens.stays = true;
  const first = task.token;
  task.tokens.expire();
  task.callback('heartbeat', { attempt: 1, last_seq: 0, waiting_for: null }, 1);
  const renewed = task.token;
  t.not(renewed, first);
  task.nextAttempt();
  t.throws(() => task.authenticate(renewed, 'heartbeat'), { code: 'stale_attempt' });
  t.is(task.token, first, 'the same command starts the next worker');
});
