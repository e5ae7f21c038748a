import test from 'ava';
import { StuckDetector } from '../../../agent-container/loop/stuck.ts';

type Turn = [action: string, outcome: string, failed?: boolean, has_bad_exit?: boolean];

function check(turns: Turn[], took_ms = 10): string[] {
  const detector = new StuckDetector();
  return turns.map(([action, outcome, failed = false, has_bad_exit = false]) =>
    detector.check({
      calls: [{ name: 'run_command', input: { command: action } }],
      results: [outcome],
      failed,
      has_bad_exit,
      may_wait: false,
      took_ms,
    }),
  );
}

test('the same action with the same outcome four times is a loop, whatever its duration', (t) => {
  const turns = ['1 ms', '2.5 s', '3 ms', '4 ms', '5 ms'].map((time): Turn => ['a', `done in ${time}`]);
  t.deepEqual(check(turns), ['ok', 'ok', 'ok', 'warn', 'stuck']);
});

test('a result of nothing but digits is compared at once', (t) => {
  const digits = '7'.repeat(1_000_000);
  t.deepEqual(check([1, 2, 3, 4].map((ms): Turn => ['a', `${digits} in ${ms} ms`])), ['ok', 'ok', 'ok', 'warn']);
});

test('the same failing action three times is a loop, whatever its outcome', (t) => {
  t.deepEqual(
    check([
      ['a', 'x', true],
      ['a', 'y', true],
      ['a', 'z', true],
      ['a', 'w', true],
    ]),
    ['ok', 'ok', 'warn', 'stuck'],
  );
});

test('two actions in alternation are a loop', (t) => {
  const turns = Array.from({ length: 7 }, (_, i): Turn => [i % 2 === 0 ? 'a' : 'b', 'same']);
  t.deepEqual(check(turns), ['ok', 'ok', 'ok', 'ok', 'ok', 'warn', 'stuck']);
});

test('an agent that does something else after the warning is warned again before it is stopped', (t) => {
  const same = ['a', 'x'] satisfies Turn;
  const expected = ['ok', 'ok', 'ok', 'warn', 'ok', 'ok', 'ok', 'ok', 'warn'];
  t.deepEqual(check([same, same, same, same, ['b', 'y'], same, same, same, same]), expected);
});

test('another outcome is progress', (t) => {
  const turns = Array.from({ length: 12 }, (_, i): Turn => ['npm test', `${12 - i} failed`]);
  t.true(check(turns).every((state) => state === 'ok'));
});

test('the same failing command eight times is a loop, whatever its output', (t) => {
  const turns = Array.from({ length: 9 }, (_, i): Turn => ['npm test', `failed on port ${i}`, false, true]);
  t.deepEqual(check(turns), [...Array.from({ length: 7 }, () => 'ok'), 'warn', 'stuck']);
});

test('a failing command and another action in alternation are a loop, whatever its output', (t) => {
  const turns = Array.from({ length: 13 }, (_, i): Turn =>
    i % 2 === 0 ? ['cat log', 'same'] : ['npm test', `failed on port ${i}`, false, true],
  );
  t.deepEqual(check(turns), [...Array.from({ length: 11 }, () => 'ok'), 'warn', 'stuck']);
});

test('commands that wait before they fail with another output are no loop', (t) => {
  const looks = Array.from({ length: 20 }, (_, i): Turn => [
    'sleep 60; look',
    `pending, ${i} checks done`,
    false,
    true,
  ]);
  t.true(check(looks, 60_000).every((state) => state === 'ok'));
  const same = Array.from({ length: 4 }, (): Turn => ['sleep 60; look', 'pending', false, true]);
  t.deepEqual(check(same, 60_000), ['ok', 'ok', 'ok', 'warn']);
});

/** Turns of the same kind while a command runs in the background, `turn_ms` apart. */
function checkWaiting(turns: Turn[], turn_ms: number, then: Turn[] = []): string[] {
  let now = 0;
  const detector = new StuckDetector(() => now);
  const check = ([action, outcome, failed = false]: Turn, may_wait: boolean) => {
    now += turn_ms;
    return detector.check({
      calls: [{ name: 'x', input: action }],
      results: [outcome],
      failed,
      has_bad_exit: false,
      may_wait,
      took_ms: 10,
    });
  };
  return [...turns.map((turn) => check(turn, true)), ...then.map((turn) => check(turn, false))];
}

const WAITS: Record<string, Turn[]> = {
  'the same action': [['sleep 30', '(no output)']],
  'the same failing action': [['curl localhost', 'refused', true]],
  'two alternating actions': [
    ['sleep 30', '(no output)'],
    ['tail log', 'building'],
  ],
};

for (const [what, cycle] of Object.entries(WAITS)) {
  const repeated = (n: number): Turn[] => Array.from({ length: n }, (_, i) => cycle[i % cycle.length] ?? ['', '']);

  test(`waiting for a background command is not being stuck: ${what}, for hours`, (t) => {
    t.true(checkWaiting(repeated(500), 30_000).every((state) => state === 'ok'));
    t.true(checkWaiting(repeated(30), 10).every((state) => state === 'ok'));
  });

  test(`repeating ${what} fast and often is being stuck, also beside a background command`, (t) => {
    const states = checkWaiting(repeated(60), 10);
    t.is(states.at(-1), 'stuck');
    t.true(states.includes('warn'));
  });

  test(`once what it waited for has ended the count begins anew: ${what}`, (t) => {
    const states = checkWaiting(repeated(20), 10, repeated(7));
    t.deepEqual(
      states.slice(0, 22),
      Array.from({ length: 22 }, () => 'ok'),
    );
    t.true(states.includes('warn'));
  });
}
