import { LIMITS } from '../../../../protocol/limits.ts';
import { SAMPLE_REPO_URL } from '../../../../protocol/task.ts';
import type { Fresh } from './fresh.ts';
import { isChosen, type Place } from './place.ts';

/** The repositories of it in their order; the first may not be chosen yet. */
export function placesOf({ others = [], ...first }: Fresh): Place[] {
  return [first, ...others];
}

/** What changes in an errand where its repository `index` changes so; one behind the last is added. */
export function changePlace(fresh: Fresh, index: number, change: Place): Partial<Fresh> {
  if (index === 0) return change;
  const others = [...(fresh.others ?? [])];
  others[index - 1] = { ...others[index - 1], ...change };
  // One that is only half chosen is not there.
  return { others: others.filter(isChosen) };
}

/** The same without one of its further repositories. */
export function withoutPlace({ others = [] }: Fresh, index: number): Partial<Fresh> {
  return { others: others.filter((_, i) => i !== index - 1) };
}

/** Whether one more repository may join. The sample has no branch to push to, so it stays alone. */
export function mayAddPlace(fresh: Fresh): boolean {
  const places = placesOf(fresh);
  return places.every(isChosen) && fresh.repo_url !== SAMPLE_REPO_URL && places.length < LIMITS.repositories_max;
}
