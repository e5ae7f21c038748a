import { useSignal } from '@preact/signals';
import type { ComponentChildren, ComponentType, JSX } from 'preact';
import { useContext, useEffect } from 'preact/hooks';
import { PartsContext, useRouter, useStore } from '../parts/context.ts';
import { t } from '../parts/speech.ts';
import type { Place } from '../store/router.ts';
import type { Session } from '../store/session.ts';
import { update } from '../store/worker.ts';
import { AccessScreen } from './access/access-screen.tsx';
import { Inbox } from './inbox/inbox.tsx';
import { useWidth } from './width.ts';

/** The whole app: who is not logged in logs in, wherever they are. */
export function App(): JSX.Element | null {
  const access = useStore().access.value;
  switch (access.kind) {
    case 'loading':
      return null;
    case 'out':
      return <AccessScreen ended={access.ended} email={access.email} />;
    case 'in':
      return (
        <Within session={access.session}>
          <Panes />
          <UpdateOffer />
        </Within>
      );
  }
}

function Within({ session, children }: { session: Session; children: ComponentChildren }): JSX.Element {
  const parts = useContext(PartsContext);
  return <PartsContext.Provider value={parts && { ...parts, session }}>{children}</PartsContext.Provider>;
}

/** One screen on a phone; the list beside it where there is room, and the changes beside the errand where there is more. */
function Panes(): JSX.Element {
  const width = useWidth();
  const place = useRouter().place.value;
  if (width === 'narrow')
    return <main class="panes">{place.name === 'inbox' ? <Inbox /> : <Detail place={place} />}</main>;
  const three = width === 'full' && place.name === 'changes';
  const errand: Place = { ...place, name: 'errand' };
  return (
    <main class={three ? 'panes three' : 'panes two'}>
      <Inbox selected={place.params.id} />
      {three && <Detail place={errand} />}
      {place.name === 'inbox' ? <NothingOpen /> : <Detail place={place} />}
    </main>
  );
}

type Screen = ComponentType<{ id: string }>;

/** The screens beside the list. Each is loaded when it is first needed, and by the service worker ahead of that. */
const SCREENS: Record<Exclude<Place['name'], 'inbox'>, () => Promise<Screen>> = {
  errand: async () => (await import('./errand/errand-screen.tsx')).ErrandScreen,
  changes: async () => (await import('./changes/changes-screen.tsx')).ChangesScreen,
  new_errand: async () => (await import('./new-errand/new-errand-screen.tsx')).NewErrandScreen,
  settings: async () => (await import('./settings/settings-screen.tsx')).SettingsScreen,
  projects: async () => (await import('./projects/projects-screen.tsx')).ProjectsScreen,
  new_project: async () => (await import('./projects/project-screen.tsx')).ProjectScreen,
  project: async () => (await import('./projects/project-screen.tsx')).ProjectScreen,
};

function Detail({ place: { name, params } }: { place: Place }): JSX.Element {
  const loaded = useSignal<{ name: string; Screen: Screen } | undefined>(undefined);
  const failed = useSignal(false);
  useEffect(() => {
    if (name === 'inbox') return;
    SCREENS[name]()
      .then((Screen) => (loaded.value = { name, Screen }))
      .catch(() => (failed.value = true));
  }, [name]);
  if (failed.value && loaded.value?.name !== name) return <Unavailable />;
  if (loaded.value?.name !== name) return <section class="screen" />;
  const { Screen } = loaded.value;
  return <Screen key={`${name} ${params.id ?? ''}`} id={params.id ?? ''} />;
}

/** The server has a newer app, and this page still wants a part of the older one. */
function Unavailable(): JSX.Element {
  return (
    <section class="screen">
      <div class="empty">
        <p>{t.problem['unreachable']}</p>
        <button type="button" class="quiet" onClick={() => location.reload()}>
          {t.retry}
        </button>
      </div>
    </section>
  );
}

function NothingOpen(): JSX.Element {
  return <section class="screen nothing-open" aria-hidden="true" />;
}

function UpdateOffer(): JSX.Element | null {
  const take = update.value;
  if (!take) return null;
  return (
    <div class="update" role="status">
      {t.update}
      <button type="button" onClick={take}>
        {t.update_now}
      </button>
    </div>
  );
}
