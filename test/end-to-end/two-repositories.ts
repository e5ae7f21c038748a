import type { ExecutionContext } from 'ava';
import { join } from 'node:path';
import { ended, eventsOf, FORGE, startErrand, type RunnerOptions } from '../support/errand.ts';
import { git } from '../support/git-server.ts';
import type { Turn } from '../support/model/server.ts';
import { BROKEN, textOf } from './scenario.ts';

const call = (name: string, input: Record<string, unknown>): Turn => ({ tools: [{ name, input }] });

const WEB = { 'AGENTS.md': 'Write in capitals.\n', 'page.txt': 'it adds\n', 'docs/AGENTS.md': 'Be brief.\n' };

/** Works in both with every kind of tool. */
const TURNS: Turn[] = [
  call('read_file', { path: '../web/page.txt' }),
  call('search', { pattern: 'adds', path: '../web' }),
  call('list_files', { path: '../web/docs' }),
  call('edit_file', { path: 'add.js', old_text: 'a - b', new_text: 'a + b' }),
  call('edit_file', { path: '../web/page.txt', old_text: 'it adds', new_text: 'IT ADDS' }),
  call('write_file', { path: '../web/new/notes.txt', content: 'NOTES\n' }),
  call('run_command', { command: 'cd ../web && git status --short && git branch --show-current' }),
  { text: 'Add what is to be added\n\nThe page says so too.' },
];

/** An errand that changes two repositories, from the task to a branch in each. */
export async function twoRepositories(t: ExecutionContext, start: (t: ExecutionContext) => Promise<RunnerOptions>) {
  const whole = await startErrand(t, { ...(await start(t)), model: { script: TURNS } });
  const ann = await whole.person('ann');
  const project_id = await whole.project(ann, 'adder', BROKEN, { verify_command: 'node --test' });
  const web = await whole.project(ann, 'web', WEB);
  const { id } = await ann.api.call('createTask', {
    body: { prompt: 'Make both right', project_id, repositories: [{ project_id: web }] },
  });
  const done = await ended(ann, id);
  t.is(done.status, 'succeeded', done.detail ?? '');
  t.is(done.attempts.length, 1);
  const bare = (name: string) => join(whole.forge.root, `${name}.git`);
  t.deepEqual(
    done.repositories?.map(({ key, branch, diff_stat }) => [key, branch, diff_stat]),
    [
      ['adder', done.branch, { files: 1, insertions: 1, deletions: 1 }],
      ['web', done.branch, { files: 2, insertions: 2, deletions: 1 }],
    ],
  );
  for (const { key, branch, commit } of done.repositories ?? [])
    t.is(await git(bare(key), 'rev-parse', branch ?? ''), commit ?? '');
  t.is(await git(bare('adder'), 'show', `${done.branch}:add.js`), 'export const add = (a, b) => a + b;');
  t.is(await git(bare('web'), 'show', `${done.branch}:page.txt`), 'IT ADDS');
  t.is(await git(bare('web'), 'show', `${done.branch}:new/notes.txt`), 'NOTES');
  t.is(await git(bare('web'), 'show', 'main:page.txt'), 'it adds');
  const { diff } = await ann.api.call('getDiff', { params: { id }, query: { repository: 'web' } });
  t.regex(diff, /^\+IT ADDS$/m);
  t.notRegex(diff, /add\.js/);

  const said = whole.model.requests.flatMap(({ body }) => (body ? [textOf(body)] : []));
  const [first, last] = [said[0] ?? '', said.at(-1) ?? ''];
  t.regex(first, /The task is about 2 repositories/);
  t.regex(first, /\/web: http[^ ]*\/web\.git, on the branch errand\/[^ ]*, which starts at main/);
  t.regex(first, /path=\\"\.\.\/web\/AGENTS\.md\\">\\nWrite in capitals/);
  t.regex(last, /path=\\"\.\.\/web\/docs\/AGENTS\.md\\">\\nBe brief/);
  t.notRegex(last, /outside of the repository/);
  const events = await eventsOf(ann, id);
  t.deepEqual(
    events.filter((event) => event.type === 'tool.finished' && event.body['is_error'] === true),
    [],
  );
  t.false(JSON.stringify([events, whole.lines, last]).includes(FORGE.password));
}
