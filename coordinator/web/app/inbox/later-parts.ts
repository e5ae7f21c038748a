import { signal } from '@preact/signals';
import { loadedScreens, loadScreens, type Screens } from '../lazy.ts';

type LaterParts = Pick<Screens, 'RowActions' | 'OwnWords' | 'Question' | 'BudgetChoices'>;

/**
 * What the list needs only once somebody touches it. It comes with the other screens: a part of its own would cost the
 * first view one more request.
 */
export const later_parts = signal<LaterParts | undefined>(undefined);

/** Without the part the list does without; the next touch tries again. */
export async function loadLaterParts(): Promise<void> {
  await loadScreens();
  later_parts.value = loadedScreens();
}
