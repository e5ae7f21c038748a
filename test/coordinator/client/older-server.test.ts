import test from 'ava';
import { seenOf } from '../../../coordinator/client/errand/seen-commit.ts';
import { Project } from '../../../protocol/api.ts';
import { startApi } from '../../support/start-api.ts';

test('the projects of a server that knows no images can be read', async (t) => {
  const { person } = await startApi(t);
  const { api } = await person();
  const made = await api.call('createProject', { body: { name: 'bills', repo_url: 'https://git.example.org/a/b' } });
  const { image, ...older } = made;
  t.is(image, null);
  t.like(Project.parse(older), { id: made.id, name: 'bills' });
});

test('a merge names the base only to a server that can know the field', (t) => {
  const head = { branch: 'errand/a', commit: 'c'.repeat(40) };
  t.deepEqual(seenOf({ head, base: 'main' }), { commit: head.commit });
  for (const told_commit of [null, head.commit])
    t.deepEqual(seenOf({ head, base: 'main', told_commit }), { commit: head.commit, base: 'main' });
  t.deepEqual(seenOf({ head, base: null, told_commit: null }), { commit: head.commit });
});
