import test from 'ava';
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
