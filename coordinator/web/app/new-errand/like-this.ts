import type { Project } from '../../../../protocol/api.ts';
import type { ServerInfo } from '../../../../protocol/server-info.ts';
import type { Task } from '../../../../protocol/task.ts';
import type { Session } from '../../store/session.ts';
import { defaultsOf, writeFresh, type Fresh } from './fresh.ts';
import type { Place } from './place.ts';

/**
 * Writes the draft of a new errand with the words, repositories and choices of another one. Unless it `replaces` what
 * waits there to be sent, it leaves that alone, and returns false.
 */
export async function writeLike(session: Session, task: Task, replaces: boolean): Promise<boolean> {
  const { client, texts, files } = session;
  const [{ prompt }, offer] = await Promise.all([
    task.shortened === true ? client.call('getTask', { params: { id: task.id } }) : task,
    client.call('server', {}),
    session.readProjects(),
  ]);
  const words = ((await texts.read('new prompt')) ?? '').trim();
  // A second touch finds what the first one wrote.
  if (words !== prompt) {
    const attached = await files.ofDraft('new');
    if (!replaces && (words !== '' || attached.length > 0)) return false;
    await files.forget(attached.map(({ id }) => id));
    await texts.give('new prompt', { set: prompt });
  }
  await texts.give('new options', { set: writeFresh(freshLike(task, session.projects.peek() ?? [], offer)) });
  return true;
}

/** What was chosen for an errand, but for the branches that it pushes to. What would be chosen anyway stays open. */
function freshLike(task: Task, projects: readonly Project[], offer: ServerInfo): Fresh {
  const placeOf = ({ project_id, repo_url, base_branch }: WithPlace): Place => {
    const project = projects.find(({ id }) => id === project_id);
    return {
      ...(project ? { project: { id: project.id, name: project.name } } : { repo_url }),
      base_branch: base_branch === null || base_branch === project?.base_branch ? undefined : base_branch,
    };
  };
  const { repositories = [], model, effort, budget_usd, ask_before_push, plan_first } = task;
  const first = placeOf(task);
  const unset = defaultsOf(first, projects, offer);
  return {
    ...first,
    ...(repositories.length > 1 && { others: repositories.slice(1).map(placeOf) }),
    model: model === unset.model ? undefined : model,
    effort: effort === offer.defaults.effort ? undefined : effort,
    budget_usd: budget_usd === unset.budget_usd ? undefined : budget_usd,
    ask_before_push,
    plan_first,
  };
}

type WithPlace = Pick<Task, 'project_id' | 'repo_url' | 'base_branch'>;
