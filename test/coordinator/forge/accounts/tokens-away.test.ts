import test from 'ava';
import { linkedScene } from '../../../support/forge/linked-scene.ts';

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
