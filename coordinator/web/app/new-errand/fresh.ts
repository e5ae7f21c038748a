import type { Project, TaskCreate } from '../../../../protocol/api.ts';
import type { ServerInfo } from '../../../../protocol/server-info.ts';
import { chosen, EFFORTS } from '../../../../protocol/without-schemas.ts';
import type { Effort } from '../../../../protocol/task.ts';
import { format } from '../../parts/speech.ts';
import { s } from '../screen-speech.ts';
import { hasBranchNames, placesOf, toChoice, type Places } from './place.ts';

/** An errand that is being written, but for its text. What is absent is left to the project and the server. */
export type Fresh = Places & {
  model?: string | undefined;
  effort?: Effort | undefined;
  budget_usd?: number | undefined;
  ask_before_push?: boolean | undefined;
  plan_first?: boolean | undefined;
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
      sent: undefined,
    }),
    ...now,
  });
}

/**
 * What the errand after this one begins with. Branches, further repositories and the wishes to be asked are for one
 * errand alone; nor does a choice stay that the server does not offer. `offer`: what it offers, if that is known.
 */
export function forNext(fresh: Fresh, offer: ServerInfo | undefined): Fresh {
  const { model, budget_usd } = fresh;
  const has_budget = !offer || (budget_usd !== undefined && budget_usd <= offer.bounds.budget_usd_max);
  return {
    ...fresh,
    others: undefined,
    base_branch: undefined,
    push_to: undefined,
    ask_before_push: undefined,
    plan_first: undefined,
    sent: true,
    model: isOffered(fresh, offer) ? model : undefined,
    budget_usd: has_budget ? budget_usd : undefined,
  };
}

/** The same without the repository of the errand before, if that did not prove to be there. */
export function withoutUnproven(fresh: Fresh, isProven: (repo_url: string) => boolean): Fresh {
  const { sent, repo_url } = fresh;
  const stays = sent !== true || repo_url === undefined || isProven(repo_url);
  return stays ? fresh : { ...fresh, repo_url: undefined, make_project: undefined, sent: undefined };
}

/** What the server would refuse, in words; undefined: nothing that is known here. */
export function mistakeIn(fresh: Fresh, offer: ServerInfo | undefined): string | undefined {
  if (!placesOf(fresh).every(hasBranchNames)) return s.fresh.no_branch_name;
  const { budget_usd_max = Infinity } = offer?.bounds ?? {};
  if ((fresh.budget_usd ?? 0) > budget_usd_max) return s.errand.budget_max(format.money(budget_usd_max));
  return isOffered(fresh, offer) ? undefined : s.fresh.no_such_model;
}

/** Whether the server offers the model, as far as that is known. Its name may end in a date. */
export function isOffered({ model }: Fresh, offer: ServerInfo | undefined): boolean {
  if (model === undefined || !offer) return true;
  return [model, model.replace(/-\d{8}$/, '')].some((name) => offer.models.includes(name));
}

/** An amount in US dollars as people write it, to the cent. */
export function toCents(usd: number): number {
  return Math.round(usd * 100) / 100;
}

/** What holds for an errand where nothing is chosen: as its project says, else as the server does. */
export function defaultsOf(
  { project }: Fresh,
  projects: readonly Project[],
  offer: ServerInfo | undefined,
): { model: string | undefined; budget_usd: number | undefined; ask_before_push: boolean } {
  const own = projects.find(({ id }) => id === project?.id);
  return {
    model: own?.model ?? offer?.defaults.model,
    budget_usd: own?.budget_usd ?? offer?.defaults.budget_usd,
    ask_before_push: own?.ask_before_push ?? false,
  };
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
    plan_first,
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
    ...(ask_before_push !== undefined && { ask_before_push }),
    ...(plan_first === true && { plan_first }),
  };
}
