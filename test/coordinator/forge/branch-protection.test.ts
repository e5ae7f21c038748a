import test from 'ava';
import { protectionOf } from '../../../coordinator/forge/branch-protection.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { link, signInScene } from '../../support/forge/sign-in-scene.ts';

/** Rules of GitHub's rulesets that let an errand push, and those that do not. */
const HARMLESS = ['creation', 'deletion', 'non_fast_forward', 'required_linear_history', 'copilot_code_review'];
const FORBIDDING = [
  'update',
  'pull_request',
  'merge_queue',
  'required_status_checks',
  'required_deployments',
  'required_signatures',
  'workflows',
  'code_scanning',
];

test('a branch is refused for a ruleset only if one of its rules forbids the push', async (t) => {
  const base = await signInScene(t);
  const { github, server, app } = base;
  const { api, session } = await server.person();
  const ann = github.world.addPerson('ann');
  const demo = await github.world.addRepository({ owner: ann, name: 'demo' });
  github.apps.install(app, ann);
  await link(base, api, ann);
  for (const branch of ['feature', 'release']) await github.push(demo, branch, { 'a.txt': branch });
  const where = { user_id: session.user.id, project_id: null, repo_url: `${github.origin}/ann/demo` };
  const ask = (branch: string) =>
    protectionOf(server.forge_accounts.access, where, branch, new AbortController().signal);
  demo.rules = HARMLESS;
  t.is(await ask('feature'), null);
  for (const rule of FORBIDDING) {
    demo.rules = [...HARMLESS, rule];
    t.regex((await ask('feature')) ?? '', /protects the branch/, rule);
  }
  demo.rules = [...Array.from({ length: 150 }, () => 'non_fast_forward'), 'update'];
  t.regex((await ask('feature')) ?? '', /protects the branch/, 'on the second page');
  demo.rules = HARMLESS;
  await github.protect(demo, 'release');
  t.regex((await ask('release')) ?? '', /protects the branch/, 'by a protection of its own');
  let pages = 0;
  github.intercept = ({ url = '' }, response) => {
    if (!url.includes('/rules/branches/')) return false;
    pages += 1;
    response.writeHead(200, { link: `<${github.origin}${url}>; rel="next"` }).end('[{ "type": "deletion" }]');
    return true;
  };
  t.regex((await ask('feature')) ?? '', /protects the branch/, 'more rules than are read');
  t.is(pages, LIMITS.forge_pages_max);
  // An older Enterprise server does not tell.
  github.intercept = ({ url = '' }, response) => {
    if (!url.includes('/rules/branches/')) return false;
    response.writeHead(404).end('{ "message": "Not Found" }');
    return true;
  };
  t.regex((await ask('feature')) ?? '', /protects the branch/, 'the rules are not told');
});

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
  github.intercept = (_request, response) => {
    response.writeHead(403).end('{"message": "Resource not accessible"}');
    return true;
  };
  t.regex((await ask('feature')) ?? '', /does not say whether it protects the branch/);
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
});
