import test from 'ava';
import { link, signInScene } from '../../../support/forge/sign-in-scene.ts';

/** A person's repository at a forge where the server has an app, which is not installed and not linked yet. */
async function scene(t: Parameters<typeof signInScene>[0], env: Record<string, string> = {}) {
  const base = await signInScene(t, env);
  const { github, server, app } = base;
  const { api } = await server.person();
  const ann = github.world.addPerson('ann');
  const demo = await github.world.addRepository({ owner: ann, name: 'demo' });
  const repo_url = `${github.origin}/ann/demo`;
  let made = 0;
  const create = async (fields: object, at = repo_url) =>
    api.call('createProject', { body: { name: `P${++made}`, repo_url: at, ...fields } });
  const patch = async (id: string, body: object) =>
    (await api.call('patchProject', { params: { id }, body })).warnings.join('\n');
  return {
    ...base,
    api,
    ann,
    demo,
    create,
    patch,
    linkAnn: () => link(base, api, ann),
    install: () => github.apps.install(app, ann),
  };
}

test('mentions that can count for nobody are warned of, until their person has linked their account', async (t) => {
  const { create, patch, linkAnn, install, github } = await scene(t);
  const { host } = new URL(github.origin);
  const { id, warnings, coded_warnings } = await create({ mentions: true });
  t.deepEqual(warnings, [`Link your account at ${host}: without it, nobody's @errand counts.`]);
  t.like(coded_warnings?.[0], { code: 'link_account', params: { forge: host }, text: warnings[0] });
  t.is(await patch(id, { verify_command: 'npm test' }), '', 'only where a switch is set');
  install();
  t.regex(await patch(id, { mentions: true }), /^Link your account/, 'the app alone is not enough');
  await linkAnn();
  t.is(await patch(id, { mentions: true }), '');
});

test('a switch at a repository that the server has no token for is warned of', async (t) => {
  const { create, patch, install } = await scene(t);
  const { id, warnings } = await create({ follow_up: true, git_token: 'x' });
  t.deepEqual(warnings, [], 'the token of the project is one');
  t.regex(await patch(id, { git_token: null }), /has no token for .*, so it sees no reviews or checks there: install/);
  install();
  t.is(await patch(id, { follow_up: true }), '');
  t.is(await patch(id, { follow_up: false }), '');
});

test('a switch at a forge that the server does not know, or where nobody can link, is warned of', async (t) => {
  const { create } = await scene(t, { ERRAND_GITEA_ORIGIN: 'https://gitea.example' });
  const { warnings, coded_warnings } = await create({ mentions: true, follow_up: true }, 'https://forge.example/a/b');
  t.like(coded_warnings?.[0], { code: 'unknown_forge', params: { forge: 'forge.example', heard: 'both' } });
  t.deepEqual(warnings, [
    'This server knows no forge at forge.example: no mentions, reviews or checks there reach it.',
  ]);
  const gitea = await create({ mentions: true, follow_up: true }, 'https://gitea.example/a/b');
  t.regex(gitea.warnings[0] ?? '', /^Nobody's @errand counts .* until the owner of the server registers it there\.$/);
  t.deepEqual(
    gitea.coded_warnings?.map(({ code }) => code),
    ['link_impossible', 'no_token'],
  );
  t.deepEqual(gitea.warnings.slice(1), [
    'The server has no token for gitea.example, so it sees no reviews or checks there: give the project a token.',
  ]);
});

test('rules that refuse the branches of errands are warned of, also such as no branch has yet', async (t) => {
  const { create, patch, demo, linkAnn, install } = await scene(t);
  install();
  await linkAnn();
  demo.rules = ['required_signatures', 'deletion'];
  const { id, warnings, coded_warnings } = await create({});
  t.is(warnings.length, 1);
  t.is(coded_warnings?.[0]?.code, 'signed_commits');
  t.regex(warnings[0] ?? '', /asks for signed commits on the branches of errands, which theirs are not/);
  demo.rules = ['creation', 'update', 'update'];
  t.regex(await patch(id, { git_token: 'wrong' }), /^$/, 'a token that the forge refuses is told of elsewhere');
  const other = await create({});
  t.regex(other.warnings.join('\n'), /restricts pushes to the branches of errands \(creation, update\)/);
  t.like(other.coded_warnings?.[0], { code: 'push_restricted', params: { rules: 'creation, update' } });
  demo.rules = ['deletion', 'non_fast_forward', 'required_linear_history'];
  t.deepEqual((await create({})).warnings, []);
});

test('a rule about the names of branches is warned of where it refuses those of errands', async (t) => {
  const { create, demo, linkAnn, install } = await scene(t);
  install();
  await linkAnn();
  const rule = (operator: string, pattern: string, negate = false) => ({
    type: 'branch_name_pattern',
    parameters: { name: '', operator, pattern, negate },
  });
  const refusing = [
    rule('starts_with', 'feature/'),
    rule('ends_with', '-done'),
    rule('contains', 'JIRA-'),
    rule('regex', '^(feature|fix)/.+$'),
    rule('starts_with', 'errand/', true),
  ];
  for (const each of refusing) {
    demo.rules = [each];
    const { warnings } = await create({});
    t.regex(
      warnings.join(),
      /restricts pushes to the branches of errands \(branch_name_pattern\)/,
      JSON.stringify(each),
    );
  }
  const slow = rule('regex', '^(([a-z0-9/-])+)+$#');
  demo.rules = [rule('starts_with', 'errand/'), rule('contains', 'JIRA-', true), rule('regex', '(?<'), slow];
  t.deepEqual((await create({})).warnings, []);
});

test('a forge that does not answer now refuses no project, and is no warning', async (t) => {
  const { create, linkAnn, install, github } = await scene(t);
  install();
  await linkAnn();
  github.intercept = (_request, response) => {
    response.writeHead(502).end();
    return true;
  };
  t.deepEqual((await create({ mentions: true, follow_up: true })).warnings, []);
});
