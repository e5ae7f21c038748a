import test from 'ava';
import { formatDuration } from '../../../agent-container/base/duration.ts';

test('durations are shown in milliseconds, seconds or minutes', (t) => {
  t.deepEqual([340, 2_400, 185_000].map(formatDuration), ['340 ms', '2.4 s', '3 min 5 s']);
  t.deepEqual([999.6, 59_990, 119_600].map(formatDuration), ['1.0 s', '1 min 0 s', '2 min 0 s']);
});
