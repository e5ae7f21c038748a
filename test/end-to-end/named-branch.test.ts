import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder } from '../support/folder.ts';
import { git } from '../support/git-server.ts';
import { ended, FORGE, startErrand } from '../support/errand.ts';
import type { Turn } from '../support/model/server.ts';
import { textOf, turnOf } from './scenario.ts';

const run = (command: string): Turn => ({ tools: [{ name: 'run_command', input: { command } }] });

test('a person pushes to the branch of an errand meanwhile: the agent merges it, and both are there', async (t) => {
  t.timeout(120_000);
  const folder = await temporaryFolder(t);
  let bare = '';
  /** Somebody else changes the same line. */
  const theirPush = async () => {
    await git(folder, 'clone', '-q', '--branch', 'feature', bare, 'theirs');
    await writeFile(join(folder, 'theirs', 'notes.txt'), 'theirs\n');
    await git(join(folder, 'theirs'), 'commit', '-q', '-a', '-m', 'Theirs');
    await git(join(folder, 'theirs'), 'push', '-q', 'origin', 'feature');
  };
  const turns = [
    run('printf "mine\\n" > notes.txt'),
    { text: 'Write notes' },
    run('git fetch -q origin feature; git merge FETCH_HEAD; printf "theirs\\nmine\\n" > notes.txt; git add notes.txt'),
    { text: 'Write notes\n\nMerged what came in between.' },
  ];
  const conversations: string[] = [];
  const handler = async (request: Parameters<typeof turnOf>[0]): Promise<Turn> => {
    conversations.push(textOf(request));
    const n = turnOf(request);
    if (n === 1) await theirPush();
    return turns[n] ?? { text: 'Done.' };
  };
  const { forge, person } = await startErrand(t, { runner: 'process', model: { handler } });
  const owner = await person('owner');
  const repo_url = await forge.createRepository('team/notes', { 'notes.txt': 'first\n' });
  bare = join(forge.root, 'team/notes');
  await git(bare, 'branch', 'feature', 'main');
  const { id: project_id } = await owner.api.call('createProject', {
    body: { name: 'notes', repo_url, git_token: FORGE.password },
  });
  const { id } = await owner.api.call('createTask', {
    body: { prompt: 'Write notes', project_id, work_branch: 'feature' },
  });
  const done = await ended(owner, id, 90_000);
  t.is(done.status, 'succeeded', done.detail ?? '');
  t.is(done.result?.branch, 'feature');
  t.regex(conversations.at(-1) ?? '', /somebody has pushed to it meanwhile/);
  t.is(await git(bare, 'show', 'feature:notes.txt'), 'theirs\nmine');
  const subjects = await git(bare, 'log', '--format=%s', 'feature');
  t.regex(subjects, /^Theirs$/m);
  t.is(await git(bare, 'log', '--format=%s', 'main'), 'First');
});
