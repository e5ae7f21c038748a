import type { Project } from '../../../../protocol/api.ts';
import type { ServerInfo } from '../../../../protocol/server-info.ts';
import type { Task } from '../../../../protocol/task.ts';
import type { Session } from '../../store/session.ts';
import { defaultsOf, toCents, writeFresh, type Fresh } from './fresh.ts';
import type { Place } from './place.ts';
import { readOffer } from './use-offer.ts';

type Options = {
  /** What waits in the draft to be sent goes. */
  replaces: boolean;
  /** Aborts when the person has left: from then on nothing is written. */
  signal: AbortSignal;
};

/**
 * Writes the draft of a new errand with the words, repositories and choices of another one. Unless it `replaces` what
 * waits there to be sent, it leaves that alone, and returns false.
 */
export async function writeLike(session: Session, task: Task, { replaces, signal }: Options): Promise<boolean> {
  const { client, texts, files } = session;
  const [{ prompt }, offer] = await Promise.all([
    task.shortened === true ? client.call('getTask', { params: { id: task.id } }) : task,
    readOffer(client),
    session.readProjects(),
  ]);
  const options = writeFresh(freshLike(task, session.projects.peek() ?? [], offer));
  const [words = '', chosen, attached] = await Promise.all([
    texts.read('new prompt'),
    texts.read('new options'),
    files.ofDraft('new'),
  ]);
  signal.throwIfAborted();
  // A second touch finds what the first one wrote.
  const is_written = words.trim() === prompt && chosen === options;
  const is_empty = words.trim() === '';
  if (!replaces && (attached.length > 0 || !(is_written || is_empty))) return false;
  // Before the repository changes: they were for another one.
  await files.forget(attached.map(({ id }) => id));
  await texts.giveAll([
    ['new prompt', { set: prompt }],
    ['new options', { set: options }],
  ]);
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
    // More of it may have been added to what was spent.
    budget_usd: budget_usd === unset.budget_usd ? undefined : toCents(budget_usd),
    ask_before_push: ask_before_push === unset.ask_before_push ? undefined : ask_before_push,
    plan_first,
  };
}

type WithPlace = Pick<Task, 'project_id' | 'repo_url' | 'base_branch'>;
