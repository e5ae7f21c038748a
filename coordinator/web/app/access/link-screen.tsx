import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { useStore } from '../../parts/context.ts';
import { Logo } from '../../parts/logo.tsx';
import { useTitle } from '../../parts/use-title.ts';
import { t } from '../../parts/speech.ts';
import { faultWords } from '../../parts/words.ts';
import { isInstalled, isIos } from '../../store/ios.ts';
import { loadedScreens, loadScreens } from '../lazy.ts';

type LinkScreenProps = {
  code: string;
  /** Who is logged in on this device already; undefined: nobody. */
  email: string | undefined;
  onClose: () => void;
};

/** Logs in with one touch. It asks, since a link may come from anybody. */
export function LinkScreen({ code, email, onClose }: LinkScreenProps): JSX.Element {
  const store = useStore();
  const fault = useSignal('');
  const sending = useSignal(false);
  const installs_first = useSignal(isIos() && !isInstalled());
  useTitle(t.app);
  const logIn = (): void => {
    sending.value = true;
    fault.value = '';
    store
      .logInByLink(code)
      .then(onClose, (error: unknown) => (fault.value = faultWords(error)))
      .finally(() => (sending.value = false));
  };
  useEffect(() => {
    if (installs_first.value) void loadScreens();
  }, [installs_first.value]);
  if (installs_first.value) {
    const loaded = loadedScreens();
    if (!loaded) return <main class="access" />;
    return <loaded.HomeScreenFirst code={code} onBrowser={() => (installs_first.value = false)} />;
  }
  return (
    <main class="access">
      <div class="access-card">
        <Logo />
        <h1>{t.link.title}</h1>
        <p class="lead">{email === undefined ? t.link.lead : t.link.lead_logged_in(email)}</p>
        <p class="fault" role="alert">
          {fault.value}
        </p>
        <button type="button" class="primary" disabled={sending.value} onClick={logIn}>
          {sending.value ? t.access.working : t.link.log_in}
        </button>
        <button type="button" class="quiet" disabled={sending.value} onClick={onClose}>
          {email === undefined ? t.link.with_password : t.link.stay(email)}
        </button>
      </div>
    </main>
  );
}
