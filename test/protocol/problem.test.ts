import test from 'ava';
import { ProjectCreate, TaskCreate, TasksQuery } from '../../protocol/api.ts';
import { ErrandError, parse } from '../../protocol/problem.ts';
import { EGRESS } from '../../protocol/without-schemas.ts';
import { EventsPost, ResultPost } from '../../protocol/worker-schemas.ts';
import { SUCCEEDED } from '../support/result.ts';

const repo_url = 'https://forge.example/bills';

test('the error names each wrong field, with a message to be read after its name', (t) => {
  const faults = (schema: typeof TaskCreate | typeof TasksQuery | typeof ProjectCreate, value: unknown) => {
    const error = t.throws(() => parse<unknown>(schema, value, 'The body'), { instanceOf: ErrandError });
    return error?.errors?.map(({ field, message }) => `${field} ${message}`);
  };
  t.deepEqual(faults(TaskCreate, { promt: 'x', repo_url }), ['/prompt is missing', '/promt is not a known field']);
  t.deepEqual(faults(TaskCreate, { prompt: 3, repo_url, budget_usd: 0, max_turns: 1.5, priority: 11 }), [
    '/prompt is not a string',
    '/budget_usd is too small: more than 0',
    '/max_turns is not a whole number',
    '/priority is too large: at most 10',
  ]);
  t.deepEqual(faults(TaskCreate, { prompt: 'x'.repeat(32_001), repo_url }), ['/prompt is too long: at most 32000']);
  t.deepEqual(faults(TasksQuery, { status: 'done' }), [
    '/status must be one of queued, starting, running, waiting, parked, succeeded, failed, cancelled',
  ]);
  t.deepEqual(faults(ProjectCreate, { name: ' ', repo_url, base_branch: '' }), [
    '/name is empty',
    '/base_branch is too short: at least 1',
  ]);
  t.deepEqual(
    faults(ProjectCreate, { name: 'x', repo_url, env: { 'MY-VAR': '1' }, secrets: { ['X'.repeat(101)]: '' } }),
    [
      '/env/MY-VAR is not a valid name of an environment variable',
      `/secrets/${'X'.repeat(101)} is too long: at most 100`,
    ],
  );
  t.deepEqual(faults(TaskCreate, null), ['/ is not an object']);
});

test('where a field is wrong for a reason that clients can translate, the error names it', (t) => {
  const value = {
    name: 'x'.repeat(101),
    repo_url,
    budget_usd: 0,
    model: 'no model',
    egress: 'all',
    secrets: { 'A-B': '' },
  };
  const error = t.throws(() => parse(ProjectCreate, value), { instanceOf: ErrandError });
  t.deepEqual(
    error?.errors?.map(({ field, reason, params }) => [field, reason, params]),
    [
      ['/name', 'too_long', { max: '100' }],
      ['/model', 'not_model', undefined],
      ['/budget_usd', 'not_above', { min: '0' }],
      ['/egress', 'not_one_of', { values: EGRESS.join(', ') }],
      ['/secrets/A-B', 'not_variable_name', undefined],
    ],
  );
});

test('a required field that is missing is called missing, whatever its own message or type', (t) => {
  const faults = (schema: typeof EventsPost | typeof ResultPost, value: unknown) => {
    const error = t.throws(() => parse<unknown>(schema, value, 'The body'), { instanceOf: ErrandError });
    return error?.errors?.map(({ field, message }) => `${field} ${message}`);
  };
  const waits = (waiting_for: object) => ({ attempt: 1, events: [], waiting_for });
  t.deepEqual(faults(EventsPost, waits({ kind: 'person', question: '?' })), ['/waiting_for/since is missing']);
  const since = 'yesterday';
  t.deepEqual(faults(EventsPost, waits({ kind: 'person', question: '?', since })), [
    '/waiting_for/since is not a time: ISO 8601 in UTC',
  ]);
  t.deepEqual(faults(EventsPost, waits({ since })), ['/waiting_for/kind is missing']);
  const at = '2026-01-02T03:04:05.678Z';
  t.deepEqual(faults(EventsPost, { attempt: 1, events: [{ seq: 1, at, body: {} }] }), ['/events/0/type is missing']);
  t.deepEqual(
    faults(EventsPost, { attempt: 1, events: [{ seq: 1, type: 'log', body: { level: 'info', text: '' } }] }),
    ['/events/0/at is missing'],
  );
  t.deepEqual(faults(EventsPost, waits({ kind: 'weather', since: at })), [
    '/waiting_for/kind must be one of repository, model, command, limit, person',
  ]);
  const { status: _status, ...result } = SUCCEEDED;
  t.deepEqual(faults(ResultPost, { attempt: 1, last_seq: 0, ...result }), ['/status is missing']);
});
