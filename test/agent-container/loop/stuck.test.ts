import test from 'ava';
import { StuckDetector } from '../../../agent-container/loop/stuck.ts';

type Turn = [action: string, outcome: string, failed?: boolean];

function verdicts(turns: Turn[]): string[] {
  const detector = new StuckDetector();
  return turns.map(([action, outcome, failed = false]) =>
    detector.after({ calls: [{ name: 'run_command', input: { command: action } }], results: [outcome], failed }),
  );
}

test('finds the same done four times with the same outcome, whatever time it took', (t) => {
  const turns = ['1 ms', '2.5 s', '3 ms', '4 ms', '5 ms'].map((time): Turn => ['a', `done in ${time}`]);
  t.deepEqual(verdicts(turns), ['on', 'on', 'on', 'nudge', 'stop']);
});

test('finds the same failing three times, whatever it says', (t) => {
  t.deepEqual(
    verdicts([
      ['a', 'x', true],
      ['a', 'y', true],
      ['a', 'z', true],
      ['a', 'w', true],
    ]),
    ['on', 'on', 'nudge', 'stop'],
  );
});

test('finds a going back and forth', (t) => {
  const turns = Array.from({ length: 7 }, (_, i): Turn => [i % 2 === 0 ? 'a' : 'b', 'same']);
  t.deepEqual(verdicts(turns), ['on', 'on', 'on', 'on', 'on', 'nudge', 'stop']);
});

test('lets go of one that does something else once it was told', (t) => {
  const same = ['a', 'x'] satisfies Turn;
  t.deepEqual(verdicts([same, same, same, same, ['b', 'y'], same, same, same, same]), [
    'on',
    'on',
    'on',
    'nudge',
    'on',
    'on',
    'on',
    'on',
    'nudge',
  ]);
});

test('leaves progress alone: another outcome, another action', (t) => {
  const turns = Array.from({ length: 12 }, (_, i): Turn => ['npm test', `${12 - i} failed`]);
  t.true(verdicts(turns).every((verdict) => verdict === 'on'));
});
