import test from 'ava';
import { newPull } from '../../../../coordinator/domain/pull.ts';
import { findPull, insertPull } from '../../../../coordinator/sqlite/pulls.ts';
import { link, signInScene } from '../../../support/forge/sign-in-scene.ts';

test('who links their account again has the pull requests looked at that could not be read, and nobody else', async (t) => {
  const base = await signInScene(t, { ERRAND_SIGNUP: 'open' });
  const { github, server } = base;
  const { log } = server;
  const [ann, bob] = [await server.person(), await server.person()];
  const account = github.world.addPerson('ann');
  await link(base, ann.api, account);
  const LATER = '2999-01-01T00:00:00.000Z';
  const pullOf = async ({ api }: typeof ann, repo_url: string, problem: string | null) => {
    const { id: task_id } = await api.call('createTask', { body: { prompt: 'Fix it', repo_url } });
    const wish = { task_id, repo_url, title: '', head_branch: 'b', head_commit: 'c', base_branch: null };
    const row = newPull({ ...wish, draft: false, author: 'person' }, new Date().toISOString());
    log.write(({ db }) => insertPull(db, { ...row, state: 'open', problem, next_look_at: LATER }));
    return () => findPull(log.db, row.id)?.next_look_at === LATER;
  };
  const here = `${github.origin}/ann/demo`;
  const broken = await pullOf(ann, here, 'Link your account again.');
  const others = [
    await pullOf(ann, here, null),
    await pullOf(ann, 'https://git.example/ann/demo', 'It is away.'),
    await pullOf(bob, here, 'Link your account again.'),
  ];
  await link(base, ann.api, account);
  t.false(broken());
  t.deepEqual(
    others.map((waits) => waits()),
    [true, true, true],
  );
});
