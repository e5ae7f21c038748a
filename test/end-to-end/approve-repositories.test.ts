import { join } from 'node:path';
import test from 'ava';
import { ended, startErrand } from '../support/errand.ts';
import { git } from '../support/git-server.ts';
import { until } from '../support/until.ts';
import { BROKEN, byConversation } from './scenario.ts';

test('work in two repositories is pushed to both once it was approved, and to none before', async (t) => {
  t.timeout(120_000);
  const write = (path: string) => ({ tools: [{ name: 'write_file', input: { path, content: 'x\n' } }] });
  const turns = [write('a.txt'), write('../web/b.txt'), { text: 'Write both' }];
  const whole = await startErrand(t, { runner: 'process', model: byConversation(turns) });
  const ann = await whole.person('ann');
  const [project_id, web] = [
    await whole.project(ann, 'adder', BROKEN),
    await whole.project(ann, 'web', { 'w.txt': 'w\n' }),
  ];
  const { id } = await ann.api.call('createTask', {
    body: { prompt: 'Both', project_id, repositories: [{ project_id: web }], ask_before_push: true },
  });
  const read = () => ann.api.call('getTask', { params: { id } });
  const need = await until('it asks', async () => (await read()).needs?.[0]);
  const branches = (name: string) => git(join(whole.forge.root, `${name}.git`), 'branch', '--format=%(refname:short)');
  t.deepEqual([await branches('adder'), await branches('web')], ['main', 'main']);
  t.like(need, { kind: 'push', diff_stat: { files: 2, insertions: 2 }, repositories: [{ key: 'web' }] });
  t.regex((await ann.api.call('getDiff', { params: { id }, query: { repository: 'web' } })).diff, /b\.txt/);
  await ann.api.call('answerNeed', { params: { id, need_id: need.id }, body: { choose: ['approve'] } });
  const done = await ended(ann, id);
  t.is(done.status, 'succeeded', done.detail ?? '');
  t.deepEqual(
    done.repositories?.map(({ commit }) => commit),
    [need.commit, need.repositories?.[0]?.commit],
  );
  for (const { key, branch, commit } of done.repositories ?? [])
    t.is(await git(join(whole.forge.root, `${key}.git`), 'rev-parse', branch ?? ''), commit ?? '');
});
