import { useSignal } from '@preact/signals';
import type { JSX, TargetedSubmitEvent } from 'preact';
import { useEffect } from 'preact/hooks';
import { useStore } from '../../parts/context.ts';
import { Logo } from '../../parts/logo.tsx';
import { useTitle } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { fieldsOf } from '../../parts/form.ts';
import { faultWords } from '../../parts/words.ts';
import type { NewAccount } from '../../store/store.ts';
import { loadScreens, screens } from '../lazy.ts';
import { link } from './link-code.ts';

const WAYS_AFTER_MS = 50;

type AccessProps = { ended: boolean; email: string; untold?: boolean };

/** Logs in, or makes an account; the first account needs the link that the server printed, others an invitation. */
export function AccessScreen({ ended, email, untold }: AccessProps): JSX.Element {
  // A log-in link has a screen of its own.
  const new_account: NewAccount | undefined = link.value?.kind === 'login' ? undefined : link.value;
  const signs_up = useSignal(new_account !== undefined);
  const store = useStore();
  useTitle(t.app);
  const owns = new_account?.kind === 'setup' && signs_up.value;
  const joins = new_account?.kind === 'invite' && signs_up.value;
  const signUp = async (given: Given): Promise<void> => {
    await store.signUp(given, new_account);
    link.value = undefined;
  };
  return (
    <main class="access">
      <div class="access-card">
        <Logo />
        <h1>{owns ? t.access.own : joins ? t.access.join : t.app}</h1>
        <p class="lead">
          {untold
            ? t.access.untold
            : ended
              ? t.access.ended
              : owns
                ? t.access.own_lead
                : joins
                  ? t.access.join_lead
                  : t.access.lead}
        </p>
        <Credentials
          key={String(signs_up.value)}
          is_new={signs_up.value}
          email={email}
          onSend={(given) => (signs_up.value ? signUp(given) : store.logIn(given))}
        />
        <button type="button" class="quiet" onClick={() => (signs_up.value = !signs_up.value)}>
          {signs_up.value ? t.access.to_log_in : t.access.to_sign_up}
        </button>
        <MoreWays link={new_account} />
        {!isSecureContext && <p class="fault">{t.access.insecure}</p>}
      </div>
    </main>
  );
}

/** The other ways to sign in come once the page is there: they belong to a part that the first view does without. */
function MoreWays({ link }: { link: NewAccount | undefined }): JSX.Element | null {
  useEffect(() => {
    const load = setTimeout(loadScreens, WAYS_AFTER_MS);
    return () => clearTimeout(load);
  }, []);
  const loaded = screens.value;
  return typeof loaded === 'object' ? <loaded.Ways link={link} /> : null;
}

type Given = { email: string; password: string };
type CredentialsProps = { is_new: boolean; email: string; onSend: (given: Given) => Promise<void> };

function Credentials({ is_new, email, onSend }: CredentialsProps): JSX.Element {
  const fault = useSignal('');
  const sending = useSignal(false);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const { email, password } = fieldsOf(event.currentTarget);
    const given = { email: email ?? '', password: password ?? '' };
    sending.value = true;
    fault.value = '';
    onSend(given)
      .catch((error: unknown) => (fault.value = faultWords(error)))
      .finally(() => (sending.value = false));
  };
  return (
    <form onSubmit={submit}>
      <label class="field">
        <span>{t.access.email}</span>
        <input
          name="email"
          type="email"
          required
          defaultValue={email}
          autocomplete="username"
          autocapitalize="none"
          inputMode="email"
        />
      </label>
      <label class="field">
        <span>{is_new ? t.access.new_password : t.access.password}</span>
        <input
          name="password"
          type="password"
          required
          minLength={is_new ? 10 : 1}
          autocomplete={is_new ? 'new-password' : 'current-password'}
        />
        {is_new && <small>{t.access.password_hint}</small>}
      </label>
      <p class="fault" role="alert">
        {fault.value}
      </p>
      <button type="submit" class="primary" disabled={sending.value}>
        {sending.value ? t.access.working : is_new ? t.access.sign_up : t.access.log_in}
      </button>
    </form>
  );
}
