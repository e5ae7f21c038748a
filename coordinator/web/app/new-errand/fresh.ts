import type { TaskCreate } from '../../../../protocol/api.ts';
import { chosen, EFFORTS } from '../../../../protocol/without-schemas.ts';
import type { Effort } from '../../../../protocol/task.ts';
import { toChoice, type Places } from './place.ts';

/** An errand that is being written, but for its text. What is absent is left to the project and the server. */
export type Fresh = Places & {
  model?: string | undefined;
  effort?: Effort | undefined;
  budget_usd?: number | undefined;
  ask_before_push?: boolean | undefined;
};

export function writeFresh(fresh: Fresh): string {
  return JSON.stringify(fresh);
}

/** Reads what `writeFresh` wrote; what is not understood is left out. */
export function readFresh(text: string): Fresh {
  let given: Fresh;
  try {
    given = JSON.parse(text) as Fresh;
  } catch {
    return {};
  }
  const others = Array.isArray(given.others) ? given.others : undefined;
  return { ...given, others, effort: chosen(EFFORTS, given.effort) };
}

function place(push_to: string): Pick<TaskCreate, 'work_branch' | 'continue_pull'> {
  const number = /^#(\d{1,9})$/.exec(push_to)?.[1];
  return number === undefined ? { work_branch: push_to } : { continue_pull: Number(number) };
}

/** A draft with the text of a link, which is opened twice at times. */
export function addText(draft: string, text: string): string {
  return draft.includes(text) ? draft : `${draft}\n${text}`;
}

/** What was chosen before, with what was chosen now. Another repository ends what was about the one before. */
export function joinFresh(kept: string, written: string): string {
  const [before, now] = [readFresh(kept), readFresh(written)];
  const same = now.repo_url === undefined && now.project === undefined;
  return writeFresh({
    ...before,
    ...(!same && {
      others: undefined,
      project: undefined,
      repo_url: undefined,
      base_branch: undefined,
      push_to: undefined,
    }),
    ...now,
  });
}

/** The request that sends it; undefined if it lacks a text or a repository. */
export function toRequest(prompt: string, fresh: Fresh): TaskCreate | undefined {
  const {
    others = [],
    project,
    repo_url,
    make_project,
    base_branch,
    push_to,
    model,
    effort,
    budget_usd,
    ask_before_push,
  } = fresh;
  if (prompt.trim() === '' || (project === undefined && repo_url === undefined)) return undefined;
  return {
    prompt: prompt.trim(),
    ...(project ? { project_id: project.id } : { repo_url, ...(make_project === true && { make_project }) }),
    ...(base_branch !== undefined && { base_branch }),
    ...(push_to !== undefined && place(push_to)),
    ...(others.length > 0 && { repositories: others.map(toChoice) }),
    ...(model !== undefined && { model }),
    ...(effort !== undefined && { effort }),
    ...(budget_usd !== undefined && { budget_usd }),
    ...(ask_before_push === true && { ask_before_push }),
  };
}
