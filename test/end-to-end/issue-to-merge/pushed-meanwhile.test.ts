import test from 'ava';
import { ErrandAtForge } from '../../support/forge/errand-at-forge.ts';
import { isPull } from '../../support/forge/world.ts';
import { git } from '../../support/git-server.ts';
import { until } from '../../support/until.ts';
import { BROKEN, textOf } from '../scenario.ts';

const run = (command: string) => ({ tools: [{ name: 'run_command', input: { command } }] });
const MERGE =
  'git commit -qam Mine && git fetch -q origin "$(git branch --show-current)" && git merge -q --no-edit FETCH_HEAD';

test.serial('what a reviewer pushes during a round is merged, and the fix is in the pull request', async (t) => {
  t.timeout(120_000);
  let pushTheirs = () => Promise.resolve('');
  let theirs: string | undefined;
  const at = await ErrandAtForge.start(t, 'github', {
    handler: async (request, n) => {
      if (n === 0) return run("sed -i 's/a - b/a + b/' add.js");
      if (n === 1) return { text: 'Add what is to be added' };
      if (n === 2) return run("sed -i 's/const add/const sum/' add.js");
      theirs ??= await pushTheirs();
      const is_told = textOf(request).includes('git merge FETCH_HEAD');
      return n === 4 && is_told ? run(MERGE) : { text: 'Call it sum\n\n[1] fixed: it is called sum now.' };
    },
  });
  const { world } = at.forge;
  const [ann, bob] = [world.addPerson('ann'), world.addPerson('bob')];
  const repository = await at.addRepository(ann, 'adder', BROKEN);
  repository.permissions.set(bob, 'write');
  const { api } = await at.signIn(ann);
  const repo_url = `${at.forge.origin}/ann/adder`;
  const settings = { pull_requests: 'ready', follow_up: true, egress: 'none' } as const;
  const project = await api.call('createProject', { body: { name: 'adder', repo_url, ...settings } });
  const { id } = await api.call('createTask', { body: { prompt: 'Mend it', project_id: project.id } });
  const task = () => api.call('getTask', { params: { id } });
  await until('it has a pull request', async () => (await task()).pulls?.[0]?.state === 'open', 60_000);
  const pull = repository.issues.find(isPull);
  if (!pull) throw new Error('There is no pull request.');
  const { head } = pull.pull;
  pushTheirs = () => at.forge.push(repository, head, { 'README.md': 'Better\n' }, 'By a reviewer');
  await at.forge.review(repository, pull, bob, {
    state: 'CHANGES_REQUESTED',
    comments: [{ path: 'add.js', line: 1, body: 'Call it sum' }],
  });
  await until('the comment is answered', () => pull.pull.comments.length > 1, 60_000);
  const { status, detail, result } = await task();
  t.is(status, 'succeeded', detail ?? '');
  t.is(result?.branch, head);
  t.is(repository.issues.filter(isPull).length, 1);
  t.regex(pull.pull.comments.at(-1)?.body ?? '', new RegExp(`Fixed \\(${result?.commit?.slice(0, 12)}\\)`));
  t.true(pull.pull.comments[0]?.resolved);
  t.true((await git(world.folder(repository), 'log', '--format=%H', head)).includes(theirs ?? 'none'));
});
