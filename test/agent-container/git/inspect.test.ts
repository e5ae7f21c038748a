import test from 'ava';
import { generateKeyPairSync } from 'node:crypto';
import { diff } from '../../../agent-container/git/diff.ts';
import { inspect } from '../../../agent-container/git/inspect.ts';
import { SecretSearch } from '../../../agent-container/git/secret-search.ts';
import { commitWorktree } from '../../../agent-container/git/worktree-commit.ts';
import { setRepositoryScene as scene } from '../../support/repository-scene.ts';

test('of many paths that a commit leaves out, only the first are named', async (t) => {
  const { clone, prepare, write, task } = await scene(t);
  const repos = clone();
  const { commit: base_commit } = await prepare(repos);
  await write(repos, 'a.txt', 'a\n');
  const worktree = await commitWorktree(repos, 'Work');
  const excluded = Array.from({ length: 30 }, (_, i) => `s${i}/ is a submodule without a commit`);
  const known = { not: base_commit === null ? [] : [base_commit], bases: [] };
  const secrets = new SecretSearch({ values: [] });
  const given = {
    ...worktree,
    wip: false,
    excluded,
    base_commit,
    known,
    secrets,
    began_ms: Date.now(),
    repo_url: task.repo_url,
  };
  const { remarks } = await inspect(repos, given);
  t.deepEqual(remarks.left_out, [...excluded.slice(0, 20), 'and more like these']);
});

test('what a commit should not have or lacks is named for finished work, and not looked for in work in progress', async (t) => {
  const { clone, prepare, write, task } = await scene(t);
  const repos = clone();
  const { commit: base_commit } = await prepare(repos);
  await write(repos, 'main.o', 'main\n');
  await write(repos, '.gitignore', '/plan.ts\n');
  await write(repos, 'plan.ts', 'plan();\n');
  const worktree = await commitWorktree(repos, 'Work');
  const known = { not: [], bases: base_commit === null ? [] : [base_commit] };
  const secrets = new SecretSearch({ values: [] });
  const given = { ...worktree, base_commit, known, secrets, began_ms: 0, repo_url: task.repo_url };
  for (const wip of [false, true]) {
    const { remarks } = await inspect(repos, { ...given, wip });
    t.deepEqual(remarks.doubtful, wip ? [] : ['main.o']);
    t.is(remarks.left_out.filter((text) => text.includes('plan.ts')).length, wip ? 0 : 1);
  }
});

test('a cancel while the commit is listed rejects the inspection, and leaves no other rejection', async (t) => {
  const { clone, prepare, write, task } = await scene(t);
  const cancel = new AbortController();
  const repos = clone('work', cancel.signal);
  const { commit: base_commit } = await prepare(repos);
  await write(repos, 'a.txt', 'a\n');
  const worktree = await commitWorktree(repos, 'Work');
  const { own } = repos;
  const run = own.try.bind(own);
  own.try = (args, options) => {
    const result = run(args, options);
    if (args[0] === 'rev-list') cancel.abort(new Error('cancelled'));
    return result;
  };
  const known = { not: base_commit === null ? [] : [base_commit], bases: [] };
  const secrets = new SecretSearch({ values: [] });
  const given = { ...worktree, wip: false, base_commit, known, secrets, began_ms: 0, repo_url: task.repo_url };
  // Ava fails where another rejection is left without a handler.
  await t.throwsAsync(inspect(repos, given), { message: 'cancelled' });
});

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const BODY = PEM.trim().split('\n').slice(1, -1);

for (const [how, text] of Object.entries({
  'with its header': `const key = \`${PEM}\`;`,
  'as strings that are joined': `const key =\n${BODY.map((line) => `  "${line}\\n"`).join(' +\n')};`,
  'as a list of strings': `key = [\n${BODY.map((line) => `  '${line}',\n`).join('')}]`,
  'as strings side by side': `char *key =\n${BODY.map((line) => `  "${line}\\n"\n`).join('')};`,
  'as one string of many lines': `const key = \`${BODY.join('\n')}\`;`,
  'as one string in a line': `key = "${BODY.join('\\n')}"`,
  'as a property of many lines': `key=-----BEGIN PRIVATE KEY-----\\n\\\n${BODY.map((line) => `  ${line}\\n\\\n`).join('')}  -----END PRIVATE KEY-----`,
}))
  test(`nothing of a private key is left in the diff that is shown: ${how}`, async (t) => {
    const { clone, prepare, write, task } = await scene(t);
    const repos = clone();
    const { commit: base_commit } = await prepare(repos);
    await write(repos, 'key.txt', `before();\n${text}\nafter();\n`);
    const worktree = await commitWorktree(repos, 'Work');
    const known = { not: base_commit === null ? [] : [base_commit], bases: [] };
    const secrets = new SecretSearch({ values: [] });
    const given = {
      ...worktree,
      wip: false,
      base_commit,
      known,
      secrets,
      began_ms: Date.now(),
      repo_url: task.repo_url,
    };
    const { stops, redact } = await inspect(repos, given);
    t.regex(stops[0] ?? '', /^key\.txt:\d contains a private key$/);
    const shown = redact((await diff(repos.own, base_commit, worktree.commit ?? '')).diff);
    for (const line of BODY) t.false(shown.includes(line), line);
    t.regex(shown, /^\+before\(\);$/m);
    t.regex(shown, /^\+after\(\);$/m);
  });
