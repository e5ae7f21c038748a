import type { JSX } from 'preact';
import { canTakeBack, type Entry } from '../../client/sync/outbox-entry.ts';
import { useSession } from './context.ts';
import { t } from './speech.ts';

/** Takes back what was not sent, into the field where it was written; or removes what was refused. */
export function TakeBack({ entry, label = t.errand.take_back }: { entry: Entry; label?: string }): JSX.Element | null {
  const { acts } = useSession();
  const { key, refused } = entry;
  if (!canTakeBack(entry)) return null;
  return (
    <button type="button" class="quiet" onClick={() => void (refused ? acts.dismiss(key) : acts.takeBack(key))}>
      {refused ? t.errand.dismiss : label}
    </button>
  );
}
