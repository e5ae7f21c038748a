import test from 'ava';
import { retryAfterMs } from '../../../agent-container/model/retry-after.ts';

const NOW = Date.parse('2026-03-04T05:06:07Z');
const CASES: [Record<string, string>, number | null][] = [
  [{}, null],
  [{ 'retry-after': '7200' }, 7_200_000],
  [{ 'retry-after': '0.5' }, 500],
  [{ 'retry-after': ' 3 ' }, 3_000],
  [{ 'retry-after': '0' }, 0],
  [{ 'retry-after': '-5' }, null],
  [{ 'retry-after': 'soon' }, null],
  [{ 'retry-after': 'NaN' }, null],
  [{ 'retry-after': 'Infinity' }, null],
  [{ 'retry-after': '1e9' }, null],
  [{ 'retry-after': '0x10' }, null],
  [{ 'retry-after': '120 seconds' }, null],
  [{ 'retry-after': '7200, 7200' }, null],
  [{ 'retry-after': '+5' }, null],
  [{ 'retry-after': '-0' }, null],
  [{ 'retry-after': '999999999' }, 999_999_999_000],
  [{ 'retry-after': '9'.repeat(40) }, null],
  [{ 'retry-after-ms': '-1', 'retry-after': '-1' }, null],
  [{ 'retry-after': '' }, null],
  [{ 'retry-after': 'Wed, 04 Mar 2026 05:07:07 GMT' }, 60_000],
  [{ 'retry-after': 'Wed, 04 Mar 2020 05:07:07 GMT' }, 0],
  [{ 'retry-after': '2026-03-04T06:06:07Z' }, 3_600_000],
  [{ 'retry-after-ms': '1500', 'retry-after': '9' }, 1_500],
  [{ 'retry-after-ms': 'x', 'retry-after': '9' }, 9_000],
  [
    { 'anthropic-ratelimit-tokens-remaining': '0', 'anthropic-ratelimit-tokens-reset': '2026-03-04T05:16:07Z' },
    600_000,
  ],
  [{ 'anthropic-ratelimit-tokens-remaining': '5', 'anthropic-ratelimit-tokens-reset': '2026-03-04T05:16:07Z' }, null],
  [
    {
      'anthropic-ratelimit-requests-remaining': '0',
      'anthropic-ratelimit-requests-reset': '2026-03-04T05:06:08Z',
      'anthropic-ratelimit-input-tokens-remaining': '0',
      'anthropic-ratelimit-input-tokens-reset': '2026-03-04T05:06:37Z',
    },
    30_000,
  ],
];

for (const limit of ['requests', 'tokens', 'output-tokens', 'priority-input-tokens', 'one-of-later'])
  CASES.push([
    {
      [`anthropic-ratelimit-${limit}-remaining`]: '0',
      [`anthropic-ratelimit-${limit}-reset`]: '2026-03-04T07:06:07Z',
    },
    7_200_000,
  ]);

for (const [headers, expected] of CASES)
  test(`${JSON.stringify(headers)} asks to wait ${expected ?? 'no named time'}`, (t) => {
    t.is(retryAfterMs(new Headers(headers), NOW), expected);
  });
