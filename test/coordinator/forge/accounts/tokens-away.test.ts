import type { ServerResponse } from 'node:http';
import test from 'ava';
import { Api } from '../../../support/api.ts';
import { HOUR_MS, linkedScene, pass } from '../../../support/forge/linked-scene.ts';

const away = (_: unknown, response: ServerResponse) => Boolean(response.writeHead(502).end('Bad Gateway'));

test('an app that is suspended may act as little as one that is not installed', async (t) => {
  const { access, repo_url, github } = await linkedScene(t);
  const [installation] = github.apps.installations;
  if (!installation) return t.fail();
  installation.suspended_at = github.world.time();
  t.is(await access.forApp(repo_url), undefined);
  installation.suspended_at = null;
  github.intercept = ({ url }) => {
    if (url?.endsWith('/access_tokens') === true) installation.suspended_at = github.world.time();
    return false;
  };
  t.is(await access.forApp(repo_url), undefined, 'it was suspended in between');
});

test('a token that the forge cannot renew now is used for as long as it is valid', async (t) => {
  const scene = await linkedScene(t);
  const { access, repo_url, github } = scene;
  const own = await scene.credential();
  const app = await access.forApp(repo_url);
  github.intercept = away;
  pass(scene, HOUR_MS - 60_000);
  t.is((await access.forApp(repo_url))?.token, app?.token);
  pass(scene, 61_000);
  await t.throwsAsync(access.forApp(repo_url), { name: 'ForgeApiError' });
  pass(scene, 7 * HOUR_MS - 61_000);
  t.is((await scene.credential())?.password, own?.password);
  pass(scene, 61_000);
  await t.throwsAsync(scene.credential(), { code: 'upstream_unreachable' });
  github.intercept = undefined;
  t.not((await scene.credential())?.password, own?.password);
});

test('a branch may be named while the token of its person cannot be renewed', async (t) => {
  const scene = await linkedScene(t);
  const { anyone, server, session, repo_url, github } = scene;
  pass(scene, 9 * HOUR_MS);
  const { access_token } = await anyone.call('refresh', { body: { refresh_token: session.refresh_token } });
  github.intercept = away;
  const body = { prompt: 'Go on', repo_url, work_branch: 'brand-new' };
  t.is((await new Api(server.url, access_token).call('createTask', { body })).work_branch, 'brand-new');
});
