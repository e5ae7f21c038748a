import test from 'ava';
import { SECRET_SETTINGS, SETTING_NAMES } from '../../../coordinator/base/settings.ts';
import { addSpending } from '../../../coordinator/sqlite/spending.ts';
import { addDaySpending } from '../../../coordinator/sqlite/spending-days.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';

test('the owner sees queue, workers, disk, money by day and that there are no backups', async (t) => {
  const server = await startApi(t, { ERRAND_WORKERS: '3', ERRAND_SERVER_MONTH_USD: '50' });
  const { api, session } = await server.person();
  const task = await sendErrand(api);
  const today = new Date().toISOString().slice(0, 10);
  addDaySpending(server.db, today, 1.25);
  addDaySpending(server.db, today, 0.25);
  addSpending(server.db, session.user.id, today.slice(0, 7), 1.5);
  server.runner.fault = 'The disk is full.';
  const state = await api.call('getServer', {});
  t.like(state, {
    held: 'The disk is full.',
    queue: { queued: 1, oldest_at: task.created_at },
    workers: { at_work: 0, warm: 1, max: 3 },
    backup: null,
  });
  t.is(state.money.days.length, 30);
  t.deepEqual(state.money.days.at(-1), { day: today, cost_usd: 1.5 });
  t.is(state.money.month_usd, 1.5);
  t.is(state.money.month_usd_max, 50);
  const { free_bytes, total_bytes, database_bytes } = state.disk;
  t.true((free_bytes ?? 0) > 0 && (total_bytes ?? 0) > (free_bytes ?? 0) && database_bytes > 0);
});

test('the settings in force say where each comes from, and show no secret and no password in an address', async (t) => {
  const server = await startApi(t, {
    ANTHROPIC_API_KEY: 'sk-ant-secret-1',
    ERRAND_GIT_TOKEN: 'ghp_secret-2',
    ERRAND_METRICS_TOKEN: 'metrics-secret-3-long',
    HTTPS_PROXY: 'http://ada:secret-4@proxy.example.org:3128',
    ANTHROPIC_BASE_URL: 'https://key:secret-5@gateway.example.org',
    ERRAND_WORKERS: '3',
  });
  const { api } = await server.person();
  const { items } = await api.call('listSettings', {});
  const of = (name: string) => items.find((item) => item.name === name);
  t.false(/secret-\d/.test(JSON.stringify(items)));
  t.like(of('ANTHROPIC_API_KEY'), { secret: true, source: 'environment', value: null });
  t.like(of('CLAUDE_API_KEY'), { secret: true, source: 'default', value: null });
  t.like(of('HTTPS_PROXY'), { value: 'http://…@proxy.example.org:3128' });
  t.like(of('ERRAND_WORKERS'), { value: '3', source: 'environment', group: 'Workers' });
  t.like(of('PORT'), { value: '8787', source: 'default' });
  t.like(of('ERRAND_PUBLIC_URL'), { value: null, source: 'default' });
  t.deepEqual(
    items.map(({ name }) => name),
    SETTING_NAMES,
  );
});

test('every setting whose name sounds like a secret is one', (t) => {
  const secret = SETTING_NAMES.filter((name) => /KEY|TOKEN$|SECRET|PASSWORD/.test(name));
  t.deepEqual(
    secret.filter((name) => !SECRET_SETTINGS.has(name)),
    [],
  );
});

for (const name of ['getServer', 'listSettings'] as const)
  test(`${name} is for the owner alone`, async (t) => {
    const server = await startApi(t);
    await server.person();
    const { api } = await server.person();
    t.is((await api.refused(name, {})).code, 'forbidden');
  });
