import test from 'ava';
import { foldTask } from '../../../coordinator/client/errand/task-fold.ts';
import { knownEvent } from '../../../coordinator/client/known-event.ts';
import type { LogEvent } from '../../../protocol/events.ts';
import { startApi } from '../../support/start-api.ts';

const size = { files: 1, insertions: 2, deletions: 0 };
const commit = 'a'.repeat(40);

test('what is pushed and done in each repository is folded into it, and not into the first', async (t) => {
  const { api } = await (await startApi(t)).person();
  const [repo_url, other] = ['https://forge.example/team/shop', 'https://forge.example/team/web'];
  const body = { prompt: 'Both', repo_url, repositories: [{ repo_url: other }] };
  let task = await api.call('createTask', { body });
  const apply = (type: string, of: Record<string, unknown>) => {
    const at = '2026-01-02T03:04:05.678Z';
    const event: LogEvent = { id: 9, task_id: task.id, attempt: 1, seq: null, type, at, body: of };
    task = foldTask(task, event, knownEvent(event));
    return [task.branch, ...(task.repositories ?? []).map(({ branch }) => branch)];
  };
  const start = { base_branch: 'main', base_commit: null, commit: null };
  t.deepEqual(apply('repository.ready', { ...start, branch: 'topic', repository: 'web' }), [null, null, null]);
  const pushed = { commit, wip: true, diff_stat: size };
  t.deepEqual(apply('branch.pushed', { ...pushed, branch: 'topic', repository: 'web' }), [null, null, 'topic']);
  t.deepEqual(apply('branch.pushed', { ...pushed, branch: 'mine' }), ['mine', 'mine', 'topic']);
  const none = { summary: 'Done', branch: null, commit: null, diff_stat: { files: 0, insertions: 0, deletions: 0 } };
  const repositories = [{ key: 'web', branch: 'topic', commit, diff_stat: size }];
  apply('task.result', { ...none, repositories });
  t.deepEqual(task.result, { ...none, base_commit: null });
  t.like(task.repositories?.[1], { key: 'web', branch: 'topic', commit, diff_stat: size });
  t.like(task.repositories?.[0], { key: 'shop', commit: null, diff_stat: none.diff_stat });
});

test('a result without words keeps the summary of the one before it', async (t) => {
  const { api } = await (await startApi(t)).person();
  let task = await api.call('createTask', { body: { prompt: 'Mend', repo_url: 'https://forge.example/team/shop' } });
  const summaries = ['Mended.', '', 'A typo.'].map((summary) => {
    const body = { summary, branch: 'mine', commit, diff_stat: size };
    const at = '2026-01-02T03:04:05.678Z';
    const event: LogEvent = { id: 9, task_id: task.id, attempt: 1, seq: null, type: 'task.result', at, body };
    task = foldTask(task, event, knownEvent(event));
    return task.result?.summary;
  });
  t.deepEqual(summaries, ['Mended.', 'Mended.', 'A typo.']);
});
