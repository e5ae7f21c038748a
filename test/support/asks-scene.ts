import type { ExecutionContext } from 'ava';
import type { NeedAnswerCreate } from '../../protocol/needs.ts';
import { createLogger } from '../../coordinator/base/logger.ts';
import { listPendingMessages } from '../../coordinator/sqlite/messages.ts';
import { listOpenNeeds } from '../../coordinator/sqlite/needs.ts';
import { insertProject } from '../../coordinator/sqlite/projects.ts';
import { answerNeed } from '../../coordinator/tasks/answer-need.ts';
import { askForHost } from '../../coordinator/worker-api/egress/ask-for-host.ts';
import { setCallbackScene, callerOf } from './callback-scene.ts';
import { startAttempt, taskOf } from './fixtures.ts';
import { projectRow } from './project-row.ts';

export const FIRST = 'a'.repeat(40);
export const diff_stat = { files: 1, insertions: 2, deletions: 3 };
/** A result whose work waits for approval. */
export const held = (held_commit: string) => ({
  branch: null,
  commit: null,
  held_commit,
  diff_stat,
  diff: 'what was done',
});
/** A result whose budget is spent. */
export const spent = { status: 'failed', reason: 'budget_exhausted', summary: '' };

/** A running task of a project with these settings, and what its person does. */
export async function asksScene(t: ExecutionContext, settings: object = {}, of_task: object = {}) {
  const all = await setCallbackScene(t);
  const { scene: api, user_id, task_id } = all;
  const project = projectRow(user_id, settings);
  const { id: project_id } = project;
  api.log.write((tx) => {
    insertProject(tx.db, project);
    tx.db.prepare('UPDATE tasks SET project_id = ? WHERE id = ?').run(project_id, task_id);
    for (const [name, value] of Object.entries(of_task))
      tx.db.prepare(`UPDATE tasks SET ${name} = ? WHERE id = ?`).run(value, task_id);
  });
  const needs = () => listOpenNeeds(api.log.db, task_id);
  const answer = (body: Partial<NeedAnswerCreate>, need_id = needs()[0]?.id ?? '') =>
    api.log.write((tx) =>
      answerNeed(tx, { member_budget_usd_max: 10 }, user_id, { id: task_id, need_id }, { choose: [], ...body }, null),
    );
  const task = () => taskOf(api.log, task_id);
  const next = async () => callerOf(api, task_id, startAttempt(api.log, task_id));
  const said = () => listPendingMessages(api.log.db, task_id).map(({ text }) => text);
  return { ...all, log: api.log, project_id, needs, answer, task, next, said };
}

/** Asks for hosts as the forward proxy does. */
export function hosts({ log, task_id }: Awaited<ReturnType<typeof asksScene>>) {
  const ask = askForHost(log, createLogger('silent'));
  return (...names: string[]) => {
    for (const name of names) ask({ task_id }, name);
    // The writes share one transaction with this one, which is the last.
    return log.enqueue(() => undefined);
  };
}
