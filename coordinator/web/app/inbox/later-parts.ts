import { signal } from '@preact/signals';
import type { OwnWords } from '../../parts/own-words.tsx';
import type { RowActions } from './row-actions.tsx';

type LaterParts = { RowActions: typeof RowActions; OwnWords: typeof OwnWords };

/**
 * What the list needs only once somebody touches it. It comes with the other screens: a part of its own would cost the
 * first view one more request.
 */
export const later_parts = signal<LaterParts | undefined>(undefined);

/** Without the part the list does without; the next touch tries again. */
export function loadLaterParts(): void {
  import('../screens.ts').then(
    (loaded) => (later_parts.value = loaded),
    () => undefined,
  );
}
