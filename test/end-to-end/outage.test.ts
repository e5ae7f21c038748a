import test from 'ava';
import { CommandLine } from '../support/command-line.ts';
import { ended, startErrand } from '../support/errand.ts';
import { faults } from '../support/model/server.ts';
import { until } from '../support/until.ts';
import { BROKEN, MEND, textOf, turnOf } from './scenario.ts';

const HOURS_MS = 2 * 3_600_000;

test('a limit of the Claude API is waited out without a worker; the person sees until when, and may retry before', async (t) => {
  let limited = true;
  const whole = await startErrand(t, {
    runner: 'process',
    env: { ERRAND_WORKERS: '1' },
    model: {
      handler: (request) =>
        limited && textOf(request).includes('Mend it') && turnOf(request) === 2
          ? faults.rateLimited(HOURS_MS / 1000)
          : (MEND[turnOf(request)] ?? { text: 'Done.' }),
    },
  });
  const ann = await whole.person('ann');
  const project_id = await whole.project(ann, 'adder', BROKEN);
  const { id } = await ann.api.call('createTask', { body: { prompt: 'Mend it', project_id } });
  const show = () => ann.api.call('getTask', { params: { id } });
  const parked = await until('it waits', async () => {
    const task = await show();
    return task.retry_at !== null && task;
  });
  t.like(parked, { status: 'queued', reason: 'model_unavailable', attempt: 1 });
  t.true(Math.abs(Date.parse(parked.retry_at ?? '') - Date.now() - HOURS_MS) < 120_000);
  t.like(parked.waiting_for, { kind: 'limit', until: parked.retry_at });
  t.regex(parked.waiting_for?.kind === 'limit' ? parked.waiting_for.reason : '', /rate limit/);

  // Its worker is gone, and the only place is free.
  await until('its worker is gone', () => whole.workers().length === 0);
  const other = await ann.api.call('createTask', { body: { prompt: 'Another one', project_id } });
  t.is((await ended(ann, other.id)).status, 'succeeded');
  t.is((await show()).status, 'queued');

  const cli = await CommandLine.create(t);
  await cli.run(['login', '--server', whole.errand.url, '--email', ann.session.user.email], {
    stdin: 'correct horse battery',
  });
  t.regex((await cli.run(['tasks'])).stdout, /waits until .*rate limit/);

  limited = false;
  t.is((await cli.run(['retry', id])).code, 0);
  const task = await ended(ann, id);
  t.like(task, { status: 'succeeded', attempt: 2, retry_at: null });
  t.true(task.attempts.every(({ n, status }) => (n === 1 ? status === 'failed' : status === 'succeeded')));
});
