import test from 'ava';
import { findTask } from '../../../coordinator/sqlite/tasks.ts';
import { TaskSettings } from '../../../coordinator/tasks/task-settings.ts';
import { NO_LINKS } from '../../support/no-links.ts';
import { startApi } from '../../support/start-api.ts';

const repo_url = 'https://forge.example/a/b';

test("an attempt gets its project's standing instructions as they are when it begins", async (t) => {
  const { db, keys, person } = await startApi(t);
  const { api } = await person();
  const config = { git_token: undefined, git_host: 'github.com', git_token_users: [] };
  const settings = new TaskSettings({ db, keys, config, linked: NO_LINKS });
  const body = { name: 'P', repo_url, instructions: '  Answer in German.\n' };
  const { id, instructions } = await api.call('createProject', { body });
  t.is(instructions, 'Answer in German.');
  const task = await api.call('createTask', { body: { prompt: 'Mend it', project_id: id } });
  const given = (task_id: string) => {
    const row = findTask(db, task_id);
    return row && settings.forWorker(row).instructions;
  };
  const patch = (text: string | null) =>
    api.call('patchProject', { params: { id }, body: { instructions: text } }).then((project) => project.instructions);
  t.is(given(task.id), 'Answer in German.');
  t.is(await patch('Answer in French.'), 'Answer in French.');
  t.is(given(task.id), 'Answer in French.');
  await api.call('patchProject', { params: { id }, body: { name: 'Q' } });
  t.is(given(task.id), 'Answer in French.', 'another field was changed');
  for (const nothing of ['', ' \n', null]) {
    await patch('Something.');
    t.is(await patch(nothing), null);
    t.is(given(task.id), undefined);
  }
  const bare = await api.call('createTask', { body: { prompt: 'Mend it', repo_url } });
  t.is(given(bare.id), undefined, 'a task of no project');
});

test('standing instructions have 8,000 characters at most', async (t) => {
  const { api } = await (await startApi(t)).person();
  const make = (name: string, chars: number) => ({ body: { name, repo_url, instructions: 'x'.repeat(chars) } });
  const { id } = await api.call('createProject', make('P', 8_000));
  const long = { errors: [{ field: '/instructions' }] };
  t.like(await api.refused('createProject', make('Q', 8_001)), long);
  t.like(await api.refused('patchProject', { params: { id }, ...make('P', 8_001) }), long);
});
