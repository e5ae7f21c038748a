import test from 'ava';
import { forgeScene } from '../../../support/forge/scene.ts';

const NAME = { owner: 'ada', name: 'demo' };

test('an issue that was transferred is not there any more, also if it has the same number where it is now', async (t) => {
  const { forge, client, ada, demo, access } = await forgeScene(t, 'github');
  const other = await forge.world.addRepository({ owner: ada, name: 'other' });
  for (const repository of [demo, other]) forge.openIssue(repository, ada, { title: `It fails in ${repository.name}` });
  t.is((await client.thread(access(ada), NAME, 1, 10)).title, 'It fails in demo');
  forge.intercept = ({ url = '' }, response) => {
    const location = url.replace('/repos/ada/demo/issues/1', '/repos/ada/other/issues/1');
    return location === url ? false : Boolean(response.writeHead(301, { location }).end());
  };
  await t.throwsAsync(client.thread(access(ada), NAME, 1, 10), { message: /is in another repository now/ });
});

test('an issue is read by a former name of its repository', async (t) => {
  const { forge, client, ada, demo, access } = await forgeScene(t, 'github');
  forge.openIssue(demo, ada, { title: 'It fails' });
  await forge.rename(demo, 'renamed');
  t.is((await client.thread(access(ada), NAME, 1, 10)).title, 'It fails');
  t.is((await client.thread(access(ada), { owner: 'Ada', name: 'Renamed' }, 1, 10)).title, 'It fails');
});
