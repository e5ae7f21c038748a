import test from 'ava';
import { ProjectCreate, TaskCreate, TasksQuery } from '../../protocol/api.ts';
import { ErrandError, parse } from '../../protocol/problem.ts';

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
  t.deepEqual(faults(TaskCreate, null), ['/ is not an object']);
});
