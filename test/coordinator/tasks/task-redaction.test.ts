import { join } from 'node:path';
import test from 'ava';
import { sealSecrets, type ProjectSecrets } from '../../../coordinator/tasks/secrets.ts';
import { TaskRedaction } from '../../../coordinator/tasks/task-redaction.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { findProject, insertProject, updateProject } from '../../../coordinator/sqlite/projects.ts';
import { insertTaskRepository } from '../../../coordinator/sqlite/task-repositories.ts';
import { findTask } from '../../../coordinator/sqlite/tasks.ts';
import { newId } from '../../../protocol/ids.ts';
import { readKeys } from '../../../coordinator/base/keys.ts';
import { addTask, addUser } from '../../support/fixtures.ts';
import { projectRow } from '../../support/project-row.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { until } from '../../support/until.ts';
import { SILENT } from '../../support/silent.ts';

/** A task of a project, whose secrets the test sets. */
async function setUp(t: Parameters<typeof temporaryFolder>[0]) {
  const folder = await temporaryFolder(t);
  const db = openTestDatabase(join(folder, 'errand.db'));
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const keys = readKeys(folder);
  const user_id = addUser(log);
  const project = projectRow(user_id, { repo_url: 'https://forge.example/a.git', egress: 'none' });
  const { id, repo_url } = project;
  insertProject(db, project);
  const { id: task_id } = addTask(log, user_id, { project_id: id, repo_url });
  const keep = (secrets: Partial<ProjectSecrets>) => {
    const found = findProject(db, id);
    const sealed = sealSecrets(keys, id, { git_token: null, git_username: null, env: {}, ...secrets });
    if (found) updateProject(db, { ...found, ...sealed });
  };
  return { db, keys, log, user_id, task_id, keep };
}

test('a task without secrets has nothing to redact', async (t) => {
  const { keys, log, user_id, task_id, keep } = await setUp(t);
  const redaction = new TaskRedaction(log, keys);
  t.is(redaction.redactorOf(task_id), undefined);
  t.is(redaction.redactorOf(addTask(log, user_id).id), undefined);
  t.is(redaction.redactorOf('no task'), undefined);
  keep({ env: { MODE: 'production', NAME: 'short' } });
  redaction.handOver(task_id);
  t.is(redaction.redactorOf(task_id), undefined);
});

test('a secret that was handed to a worker is redacted after it was changed or removed, and the new one from its hand-over on', async (t) => {
  const { keys, log, task_id, keep } = await setUp(t);
  const redaction = new TaskRedaction(log, keys);
  const text = 'first-Value-1, second-Value-2, ghp_token-Value-3';
  keep({ env: { A: 'first-Value-1' }, git_token: 'ghp_token-Value-3' });
  t.is(redaction.redact(task_id, text), '[secret A], second-Value-2, [secret git_token]');
  keep({ env: { A: 'second-Value-2' } });
  t.is(redaction.redact(task_id, text), '[secret A], second-Value-2, [secret git_token]');
  redaction.handOver(task_id);
  t.is(redaction.redact(task_id, text), '[secret A], [secret A], [secret git_token]');
  keep({});
  redaction.handOver(task_id);
  t.is(redaction.redact(task_id, text), '[secret A], [secret A], [secret git_token]');
});

test('a restarted server redacts what the project has now', async (t) => {
  const { keys, log, task_id, keep } = await setUp(t);
  keep({ env: { A: 'first-Value-1' } });
  t.is(new TaskRedaction(log, keys).redact(task_id, 'a first-Value-1'), 'a [secret A]');
});

test('what a worker was handed is redacted after a restart too, is stored sealed, and goes with its attempt', async (t) => {
  const { db, keys, log, task_id, keep } = await setUp(t);
  keep({ env: { A: 'first-Value-1' } });
  new TaskRedaction(log, keys).handOver(task_id);
  keep({ env: { A: 'second-Value-2' } });
  const restarted = new TaskRedaction(log, keys);
  t.is(restarted.redact(task_id, 'first-Value-1, second-Value-2'), '[secret A], [secret A]');
  t.false(db.serialize().includes('first-Value-1'));
  restarted.handOver(task_id);
  t.is(new TaskRedaction(log, keys).redact(task_id, 'first-Value-1, second-Value-2'), '[secret A], [secret A]');
  const stored = () => db.prepare('SELECT count(*) FROM handed_secrets').pluck().get();
  t.is(stored(), 1);
  const task = findTask(db, task_id);
  const body = { status: 'failed', reason: 'out_of_memory', detail: null, retry_at: null } as const;
  log.write((tx) => task && tx.note(task, { type: 'attempt.ended', body }, new Date().toISOString()));
  await until('they are gone', () => stored() === 0);
});

test('a secret with the value of a word of the worker contract breaks no callback', async (t) => {
  const { keys, log, task_id, keep } = await setUp(t);
  keep({ env: { A: 'tool.finished', B: 'exit_code', C: 'tool-finished' } });
  t.is(
    new TaskRedaction(log, keys).redact(task_id, 'tool.finished exit_code tool-finished'),
    'tool.finished exit_code [secret C]',
  );
});

test('the git token of each repository is redacted, also where the secrets of another one cannot be opened', async (t) => {
  const { db, keys, log, task_id, keep } = await setUp(t);
  keep({ git_token: 'token-of-the-first', env: { API_KEY: 'value-of-the-first' } });
  const first = findProject(db, findTask(db, task_id)?.project_id ?? '');
  if (!first) return t.fail();
  const ids = [newId(), newId()];
  const [web, lost] = ids.map((id) => ({ id, repo_url: `https://other.example/${id}` }));
  if (!web || !lost) return t.fail();
  const sealed = sealSecrets(keys, web.id, {
    git_token: 'token-of-the-second',
    git_username: null,
    env: { B: 'not-given' },
  });
  log.write((tx) => {
    insertProject(tx.db, { ...first, name: 'web', ...web, ...sealed });
    insertProject(tx.db, { ...first, name: 'lost', ...lost, secrets: 'sealed with another key' });
    for (const [i, { id: project_id, repo_url }] of [web, lost].entries()) {
      const row = { project_id, repo_url, base_branch: null, work_branch: null };
      insertTaskRepository(tx.db, { task_id, n: i + 1, key: `r${i}`, ...row });
    }
  });
  const said = 'value-of-the-first token-of-the-first token-of-the-second not-given';
  const redacted = '[secret API_KEY] [secret git_token] [secret git_token] not-given';
  t.is(new TaskRedaction(log, keys).redact(task_id, said), redacted);
});
