import type { ComponentChildren, ComponentType, JSX } from 'preact';
import { useContext, useEffect } from 'preact/hooks';
import { PartsContext, useRouter, useStore } from '../parts/context.ts';
import { Logo } from '../parts/logo.tsx';
import { locale, t } from '../parts/speech.ts';
import { onLeave } from '../store/on-leave.ts';
import type { Place } from '../store/router.ts';
import type { Session } from '../store/session.ts';
import { loadedScreens, loadScreens, type Screens } from './lazy.ts';
import { Bars } from './bars.tsx';
import { link } from './access/link-code.ts';
import { LinkScreen } from './access/link-screen.tsx';
import { AccessScreen } from './access/access-screen.tsx';
import { deviceInfo } from './settings/device-name.ts';
import { Inbox } from './inbox/inbox.tsx';
import { useWidth } from './width.ts';

/** The whole app. */
export function App(): JSX.Element {
  return (
    <>
      <Opened />
      <Bars />
    </>
  );
}

/** Who is not logged in logs in, wherever they are. */
function Opened(): JSX.Element | null {
  const access = useStore().access.value;
  const place = useRouter().place.value;
  const to = link.value;
  if (access.kind === 'no_storage' || access.kind === 'not_emptied') return <NoStorage why={access.kind} />;
  if (to?.kind === 'login' && access.kind !== 'loading') {
    const email = access.kind === 'in' ? access.email : undefined;
    return <LinkScreen code={to.code} email={email} onClose={() => (link.value = undefined)} />;
  }
  if (place.name === 'signed_in' && access.kind !== 'loading')
    return access.kind === 'in' ? (
      <Within session={access.session}>
        <SignedIn session={access.session} />
      </Within>
    ) : (
      <SignedIn session={undefined} />
    );
  switch (access.kind) {
    case 'loading':
      return null;
    case 'out':
      return <AccessScreen {...access} />;
    case 'in':
      return (
        <Within session={access.session}>
          <Panes />
          <Keys />
        </Within>
      );
  }
}

function NoStorage({ why }: { why: 'no_storage' | 'not_emptied' }): JSX.Element {
  return (
    <main class="access">
      <div class="access-card">
        <Logo />
        <p class="lead" role="alert">
          {t[why]}
        </p>
        {why === 'no_storage' && (
          <button type="button" class="primary" onClick={() => location.reload()}>
            {t.update_now}
          </button>
        )}
      </div>
    </main>
  );
}

function Within({ session, children }: { session: Session; children: ComponentChildren }): JSX.Element {
  const parts = useContext(PartsContext);
  const live = session.live.value?.kind === 'live';
  useEffect(() => {
    // Without the server it is tried again when that is back.
    session.push.start(deviceInfo(navigator.userAgent, locale)).catch(() => undefined);
  }, [session, live]);
  // A phone stops the page's timers: who leaves within the time to undo a decision has made it.
  useEffect(() => onLeave(() => void session.acts.outbox.sendHeld()), [session]);
  return <PartsContext.Provider value={parts && { ...parts, session }}>{children}</PartsContext.Provider>;
}

/**
 * One screen on a phone; the list beside it where there is room, and the changes beside the errand where there is
 * more.
 */
function Panes(): JSX.Element {
  const width = useWidth();
  const place = useRouter().place.value;
  if (width === 'narrow')
    return <main class="panes">{place.name === 'inbox' ? <Inbox /> : <Detail place={place} />}</main>;
  const changes = place.name === 'changes';
  const three = width === 'full' && changes;
  const errand: Place = { ...place, name: 'errand' };
  return (
    <main class={three ? 'panes three' : 'panes two'}>
      <Inbox beside={{ id: place.params.id, shows: changes && !three ? 'changes' : 'errand' }} />
      {three && <Detail place={errand} />}
      {place.name === 'inbox' ? <NothingOpen /> : <Detail place={place} />}
    </main>
  );
}

function Detail({ place: { name, params } }: { place: Place }): JSX.Element {
  useEffect(() => void loadScreens(), []);
  const loaded = loadedScreens();
  if (!loaded) return <section class="screen" />;
  const Screen = screenOf(loaded, name);
  return (
    <loaded.Guard key={`${name} ${params.id ?? ''}`}>
      <Screen id={params.id ?? ''} />
    </loaded.Guard>
  );
}

function screenOf(loaded: Screens, name: Place['name']): ComponentType<{ id: string }> {
  switch (name) {
    case 'errand':
      return loaded.ErrandScreen;
    case 'archived':
      return loaded.ArchivedScreen;
    case 'changes':
      return loaded.ChangesScreen;
    case 'decision':
      return loaded.DecisionScreen;
    case 'new_errand':
      return loaded.NewErrandScreen;
    case 'notifications':
      return loaded.NotificationsScreen;
    case 'projects':
      return loaded.ProjectsScreen;
    case 'new_project':
    case 'project':
      return loaded.ProjectScreen;
    case 'schedules':
      return loaded.SchedulesScreen;
    case 'new_schedule':
    case 'schedule':
      return loaded.ScheduleScreen;
    case 'owner':
      return loaded.OwnerScreen;
    case 'accounts':
      return loaded.AccountsScreen;
    case 'settings':
    case 'signed_in':
    case 'inbox':
      return loaded.SettingsScreen;
  }
}

/** What a forge sent the browser back with, whether somebody is logged in or not. */
function SignedIn({ session }: { session: Session | undefined }): JSX.Element {
  useEffect(() => void loadScreens(), []);
  const loaded = loadedScreens();
  return loaded ? <loaded.SignedInScreen session={session} /> : <main class="access" />;
}

function Keys(): JSX.Element | null {
  useEffect(() => void loadScreens(), []);
  const loaded = loadedScreens();
  return loaded ? <loaded.Extras /> : null;
}

function NothingOpen(): JSX.Element {
  const loaded = loadedScreens();
  return <section class="screen nothing-open">{loaded && <loaded.FirstKeys />}</section>;
}
