import test from 'ava';
import { openFor } from '../../../../coordinator/forge/intake/asker.ts';
import { newId } from '../../../../protocol/ids.ts';
import { linkedScene } from '../../../support/forge/linked-scene.ts';

async function refusedScene(t: Parameters<typeof linkedScene>[0]) {
  const scene = await linkedScene(t);
  scene.github.intercept = ({ url }, response) => {
    if (url?.endsWith('/installation') !== true) return false;
    response.writeHead(401).end('{"message": "A JSON web token could not be decoded"}');
    return true;
  };
  return { ...scene, who: { user_id: scene.session.user.id, project_id: null } };
}

test("a repository is read as its person where the forge does not accept the key of the server's app", async (t) => {
  const { access, who, repo_url } = await refusedScene(t);
  t.is((await openFor(access, who, repo_url))?.as, 'person');
});

test('where there is no other way, the key that was refused is what is told', async (t) => {
  const { access, repo_url } = await refusedScene(t);
  const asked = openFor(access, { user_id: newId(), project_id: null }, repo_url);
  await t.throwsAsync(asked, { name: 'ForgeApiError', message: /does not accept the key of the app/ });
});

test('the owner is told that the forge does not accept the key, until it does', async (t) => {
  const { access, repo_url, api, github } = await refusedScene(t);
  const told = async () => (await api.call('listForges', {})).items[0]?.app_fault;
  t.is(await told(), null);
  await t.throwsAsync(access.forApp(repo_url));
  t.regex((await told()) ?? '', /does not accept the key of the app/);
  github.intercept = undefined;
  await access.forApp(repo_url);
  t.is(await told(), null);
});
