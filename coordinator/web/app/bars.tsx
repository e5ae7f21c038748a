import type { JSX } from 'preact';
import { useStore } from '../parts/context.ts';
import { is_whole, t } from '../parts/speech.ts';
import { incomplete } from '../store/incomplete.ts';
import { update } from '../store/worker.ts';
import type { Session } from '../store/session.ts';
import { link } from './access/link-code.ts';
import { loadedScreens, screens } from './lazy.ts';

const reload = (): void => location.reload();

/** What is said above the lower edge of each screen, one bar above the other. */
export function Bars(): JSX.Element {
  const access = useStore().access.value;
  const loaded = loadedScreens();
  const session = access.kind === 'in' && link.value?.kind !== 'login' ? access.session : undefined;
  return (
    <div class="bars">
      {session && loaded && <loaded.ArchiveUndo session={session} />}
      {session && loaded && <loaded.UnusedLink />}
      {session && <Unstored session={session} />}
      <ReloadOffer />
    </div>
  );
}

/** What could not be stored at a touch. */
function Unstored({ session }: { session: Session }): JSX.Element | null {
  const why = session.acts.unstored.value;
  if (!why) return null;
  return (
    <p class="update fault" role="alert">
      {why === 'full' ? t.attach.fault.no_room() : t.no_storage}
    </p>
  );
}

/** What a reload mends or brings: the worst first. An app on the home screen has no other button for it. */
function ReloadOffer(): JSX.Element | null {
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
