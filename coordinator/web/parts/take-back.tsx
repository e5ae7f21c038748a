import type { JSX } from 'preact';
import { canTakeBack, type Entry } from '../../client/sync/outbox-entry.ts';
import { hasWords } from '../store/written.ts';
import { useSession } from './context.ts';
import { t } from './speech.ts';

type TakeBackProps = {
  entry: Entry;
  label?: string;
  /** What was refused is in its draft again. */
  onBack?: () => void;
};

/** Takes back what was not sent, or was refused, into the field where it was written; or removes what was refused. */
export function TakeBack({ entry, label = t.errand.take_back, onBack }: TakeBackProps): JSX.Element | null {
  const { acts } = useSession();
  const { key, action, refused, gone } = entry;
  if (!canTakeBack(entry)) return null;
  if (!refused)
    return (
      <button type="button" class="quiet" onClick={() => void acts.takeBack(key)}>
        {label}
      </button>
    );
  return (
    <>
      {hasWords(action) && (
        <button type="button" class="quiet" onClick={() => void acts.takeBack(key).then(onBack)}>
          {gone ? t.errand.to_new : t.errand.to_draft}
        </button>
      )}
      <button type="button" class="quiet" onClick={() => void acts.dismiss(key)}>
        {t.errand.dismiss}
      </button>
    </>
  );
}
