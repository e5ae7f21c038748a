import type { JSX } from 'preact';
import { useStore } from '../parts/context.ts';
import { is_whole, t } from '../parts/speech.ts';
import { incomplete } from '../store/incomplete.ts';
import { update } from '../store/worker.ts';
import { screens } from './lazy.ts';

const reload = (): void => location.reload();

/** What a reload mends or brings: the worst first. An app on the home screen has no other button for it. */
export function ReloadOffer(): JSX.Element | null {
  const access = useStore().access.value;
  const session = access.kind === 'in' ? access.session : undefined;
  const take = update.value;
  if (incomplete.value || screens.value === 'missing' || !is_whole)
    return <Offer words={t.incomplete} onTake={reload} />;
  // What could not be stored at a touch is told in its own words.
  if (session?.full.value && !session.acts.unstored.value) return <Offer words={t.full} onTake={reload} />;
  return take ? <Offer words={t.update} onTake={take} /> : null;
}

function Offer({ words, onTake }: { words: string; onTake: () => void }): JSX.Element {
  return (
    <div class="update" role="status">
      <span>{words}</span>
      <button type="button" onClick={onTake}>
        {t.update_now}
      </button>
    </div>
  );
}
