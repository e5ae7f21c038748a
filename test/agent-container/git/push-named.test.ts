import test, { type ExecutionContext } from 'ava';
import { Publisher } from '../../../agent-container/git/publisher.ts';
import type { Repositories } from '../../../agent-container/git/repositories.ts';
import { SecretSearch } from '../../../agent-container/git/secret-search.ts';
import { wipMessage } from '../../../agent-container/git/wip-commit.ts';
import type { WorkerEvent } from '../../../protocol/events.ts';
import { git as plainGit } from '../../support/git-server.ts';
import { NOTHING_EXPECTED, setRepositoryScene } from '../../support/repository-scene.ts';

/** A repository with the branch `feature`, and a task that works on a branch that its person named. */
async function scene(t: ExecutionContext, work_branch = 'feature') {
  const setting = await setRepositoryScene(t);
  const { bare, task, remote, clone, byAnother } = setting;
  await plainGit(bare, 'branch', 'feature', 'main');
  await byAnother('feature', 'feature.txt');
  const events: WorkerEvent[] = [];
  const begin = async (name = 'work') => {
    const repos = clone(name);
    const record = await setting.prepare(repos, NOTHING_EXPECTED, { ...task, work_branch });
    const emit = async (event: WorkerEvent) => void events.push(event);
    const options = {
      remote,
      approval: null,
      record,
      secrets: new SecretSearch({ values: [] }),
      began_ms: () => 0,
      emit,
      tell: (level: 'info' | 'warn', text: string) => emit({ type: 'log', body: { level, text } }),
    };
    const publisher = new Publisher(options);
    const publish = (wip = false) =>
      publisher.publish(repos, { message: wip ? wipMessage('It') : 'Done', wip, with_diff: true, accept: () => true });
    return { repos, record, publish };
  };
  const subjects = (branch: string) => plainGit(bare, 'log', '--format=%s', branch).then((out) => out.split('\n'));
  const words = () => events.flatMap((event) => (event.type === 'log' ? [event.body.text] : []));
  return { ...setting, begin, subjects, words, events };
}

const agentsGit = ({ agents }: Repositories, ...args: string[]) => agents.run(args);

test('the work begins at the named branch and is pushed there', async (t) => {
  const { begin, write, subjects, events, task } = await scene(t);
  const { repos, record, publish } = await begin();
  t.is(await agentsGit(repos, 'rev-parse', '--abbrev-ref', 'HEAD'), 'feature');
  t.is(record.base_commit, await agentsGit(repos, 'rev-parse', 'origin/feature'));
  await write(repos, 'new.txt', 'new\n');
  const { branch, problem, diff } = await publish();
  t.is(problem, null);
  t.is(branch, 'feature');
  t.deepEqual(await subjects('feature'), ['Done', 'By another', 'First']);
  t.false(diff.includes('feature.txt'), 'the diff is of this work alone');
  t.deepEqual(
    events.map(({ type, body }) => type === 'branch.pushed' && body.branch),
    ['feature'],
  );
  await write(repos, 'new.txt', 'newer\n');
  t.is((await publish()).branch, 'feature');
  t.true((await subjects(task.branch)).includes('Done'));
});

test('a named branch that does not exist is made', async (t) => {
  const { begin, write, subjects } = await scene(t, 'brand-new');
  const { repos, publish } = await begin();
  await write(repos, 'new.txt', 'new\n');
  t.is((await publish()).branch, 'brand-new');
  t.deepEqual(await subjects('brand-new'), ['Done', 'First']);
});

test('work in progress goes to the branch of the task alone, and a new clone begins with it', async (t) => {
  const { begin, write, subjects, task } = await scene(t);
  const first = await begin();
  await write(first.repos, 'half.txt', 'half\n');
  t.is((await first.publish(true)).branch, task.branch);
  t.deepEqual(await subjects('feature'), ['By another', 'First']);
  const second = await begin('another');
  t.is(second.record.base_commit, first.record.base_commit);
  t.regex(await agentsGit(second.repos, 'ls-files', '--others', '--modified'), /half\.txt/);
  t.is((await second.publish()).branch, 'feature');
});

test('what a person pushes in between is merged, and the model is told how', async (t) => {
  const { begin, write, byAnother, subjects, task } = await scene(t);
  const { repos, publish } = await begin();
  await write(repos, 'new.txt', 'new\n');
  await byAnother('feature', 'theirs.txt');
  const { problem, branch } = await publish();
  t.regex(problem?.message ?? '', /git fetch origin feature && git merge FETCH_HEAD/);
  t.is(branch, task.branch, 'the work is safe meanwhile');
  await agentsGit(repos, 'fetch', '-q', 'origin', 'feature');
  await agentsGit(repos, 'merge', '-q', '--no-edit', 'FETCH_HEAD');
  t.is((await publish()).branch, 'feature');
  t.is((await subjects('feature')).filter((subject) => subject === 'By another').length, 2);
});

test('a branch that was replaced or deleted meanwhile is left alone, and the work stays at the branch of the task', async (t) => {
  for (const [what, words] of [
    ['force', /was replaced by a force-push meanwhile\. The work is at errand\//],
    ['delete', /was deleted meanwhile\. The work is at errand\//],
  ] as const) {
    const { begin, write, bare, task, words: said, subjects } = await scene(t);
    const { repos, publish } = await begin();
    await write(repos, 'new.txt', 'new\n');
    if (what === 'force') await plainGit(bare, 'update-ref', 'refs/heads/feature', 'main');
    else await plainGit(bare, 'update-ref', '-d', 'refs/heads/feature');
    const { branch, problem } = await publish();
    t.is(problem, null);
    t.is(branch, task.branch);
    t.regex(said().join('\n'), words);
    t.deepEqual(await subjects(task.branch), ['Done', 'By another', 'First']);
    const refs = await plainGit(bare, 'for-each-ref', '--format=%(refname)');
    if (what === 'force') t.deepEqual(await subjects('feature'), ['First']);
    else t.false(refs.includes('refs/heads/feature'));
    await write(repos, 'more.txt', 'more\n');
    t.is((await publish()).branch, task.branch);
  }
});

test('commits that the agent has rewritten do not replace those that are on the named branch', async (t) => {
  const { begin, write, subjects } = await scene(t);
  const { repos, publish } = await begin();
  await write(repos, 'new.txt', 'new\n');
  await publish();
  await agentsGit(repos, 'commit', '-q', '--amend', '-m', 'Rewritten');
  await write(repos, 'new.txt', 'newer\n');
  const { problem } = await publish();
  t.regex(problem?.message ?? '', /or you have rewritten commits/);
  t.is((await subjects('feature'))[0], 'Done');
});

test('the next attempt takes over what a person has pushed since', async (t) => {
  const { begin, write, byAnother, clone, prepare, task } = await scene(t);
  const { repos, record, publish } = await begin();
  await write(repos, 'new.txt', 'new\n');
  await publish();
  await byAnother('feature', 'review.txt');
  const again = await prepare(clone(), NOTHING_EXPECTED, { ...task, work_branch: 'feature' });
  t.is(again.workspace, record.workspace);
  t.regex(again.note ?? '', /Others have pushed to the branch feature/);
  t.regex(await agentsGit(repos, 'ls-files'), /review\.txt/);
});

test('a default branch that was named is refused before any work', async (t) => {
  const { begin } = await scene(t, 'main');
  await t.throwsAsync(begin(), { message: /main is the default branch of the repository/ });
});
