import test from 'ava';
import { StuckDetector } from '../../../agent-container/loop/stuck.ts';

type Turn = [action: string, outcome: string, failed?: boolean];

function check(turns: Turn[]): string[] {
  const detector = new StuckDetector();
  return turns.map(([action, outcome, failed = false]) =>
    detector.check({ calls: [{ name: 'run_command', input: { command: action } }], results: [outcome], failed }),
  );
}

test('the same action with the same outcome four times is a loop, whatever its duration', (t) => {
  const turns = ['1 ms', '2.5 s', '3 ms', '4 ms', '5 ms'].map((time): Turn => ['a', `done in ${time}`]);
  t.deepEqual(check(turns), ['ok', 'ok', 'ok', 'warn', 'stuck']);
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
