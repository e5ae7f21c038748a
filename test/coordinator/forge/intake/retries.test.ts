import test from 'ava';
import { ForgeApiError } from '../../../../coordinator/forge/forge-api-error.ts';
import { withRetries } from '../../../../coordinator/forge/intake/retries.ts';
import { ErrandError } from '../../../../protocol/problem.ts';
import { SILENT } from '../../../support/silent.ts';

const CAME = '2026-01-01T00:00:00.000Z';
const TIMES = { first_ms: 5_000, max_ms: 15 * 60_000, give_up_ms: 24 * 3600_000 };

/** Works until the row is given up; gives how often, and after how many milliseconds. */
async function tries(error: Error): Promise<{ count: number; after_ms: number }> {
  const row = { tries: 0, given_up: false };
  let now = Date.parse(CAME);
  const work = withRetries<typeof row>({
    name: 'test',
    work: async () => {
      throw error;
    },
    cameAt: () => CAME,
    postpone: (_row, next_at) => {
      row.tries += 1;
      now = Date.parse(next_at);
    },
    giveUp: () => (row.given_up = true),
    times: TIMES,
    now: () => now,
    logger: SILENT,
  });
  while (!row.given_up) await work(row, new AbortController().signal);
  return { count: row.tries + 1, after_ms: now - Date.parse(CAME) };
}

const DAY_MS = 24 * 3600_000;
const PATIENT: Record<string, Error> = {
  'is away': new ForgeApiError('unreachable', 'no connection'),
  'is away while a token is renewed': new ErrandError('upstream_unreachable', 'no connection'),
  'is limited': new ForgeApiError('rate_limited', 'later'),
};
for (const [name, error] of Object.entries(PATIENT))
  test(`while the forge ${name}, a row is tried for a day`, async (t) => {
    const { after_ms } = await tries(error);
    t.true(after_ms > DAY_MS - TIMES.max_ms && after_ms <= DAY_MS);
  });

test("what waits for room in the person's queue is tried for a day", async (t) => {
  t.true((await tries(new ErrandError('unavailable', 'full'))).after_ms > DAY_MS - TIMES.max_ms);
});

test('what is likely to fail again is given up after some tries', async (t) => {
  t.is((await tries(new ForgeApiError('unreachable', 'not JSON', { malformed: true }))).count, 3);
  t.is((await tries(new TypeError('a bug'))).count, 6);
  t.is((await tries(new ErrandError('invalid', 'no'))).count, 6);
});

test('a forge that says for how long it is limited is not asked before, and given up if that is too late', async (t) => {
  const in_an_hour = new Date(Date.parse(CAME) + 3600_000);
  t.is((await tries(new ForgeApiError('rate_limited', 'later', { retry_at: in_an_hour }))).count > 2, true);
  const too_late = new Date(Date.parse(CAME) + DAY_MS + 1_000);
  t.is((await tries(new ForgeApiError('rate_limited', 'later', { retry_at: too_late }))).count, 1);
});
