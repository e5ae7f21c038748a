import test from 'ava';
import { protectionOf } from '../../../coordinator/forge/branch-protection.ts';
import { link, signInScene } from '../../support/forge/sign-in-scene.ts';

test('a push asks the forge whether the branch is protected now, and waits while it does not say', async (t) => {
  const base = await signInScene(t);
  const { github, server, app } = base;
  const { api, session } = await server.person();
  const ann = github.world.addPerson('ann');
  const demo = await github.world.addRepository({ owner: ann, name: 'demo' });
  github.apps.install(app, ann);
  const where = { user_id: session.user.id, project_id: null, repo_url: `${github.origin}/ann/demo` };
  const { access } = server.forge_accounts;
  const ask = (branch: string, repo_url = where.repo_url) =>
    protectionOf(access, { ...where, repo_url }, branch, new AbortController().signal);
  t.is(await ask('feature'), null, 'there is nobody to ask with');
  await link(base, api, ann);
  await github.push(demo, 'feature', { 'a.txt': 'a' });
  t.is(await ask('feature'), null);
  t.is(await ask('new-one'), null);
  t.is(await ask('feature', 'https://git.example/ann/demo'), null);
  t.regex((await ask('main')) ?? '', /default branch/);
  await github.protect(demo, 'feature');
  t.regex((await ask('feature')) ?? '', /protects the branch/);
  for (const [status, code] of [
    [502, 'upstream_unreachable'],
    [500, 'upstream_unreachable'],
    [429, 'rate_limited'],
  ] as const)
    for (const path of [/\/branches\/other$/, /\/repos\/ann\/demo$/]) {
      github.intercept = ({ url = '' }, response) => {
        if (!path.test(url)) return false;
        response.writeHead(status).end('{"message": "Not now."}');
        return true;
      };
      await t.throwsAsync(ask('other'), { code }, `${status} ${path.source}`);
    }
  github.intercept = (_request, response) => {
    response.writeHead(403).end('{"message": "Resource not accessible"}');
    return true;
  };
  t.regex((await ask('feature')) ?? '', /does not say whether it protects the branch/);
});
