import { useSignal } from '@preact/signals';
import type { JSX, TargetedSubmitEvent } from 'preact';
import { useEffect } from 'preact/hooks';
import { useStore } from '../../parts/context.ts';
import { Logo } from '../../parts/logo.tsx';
import { useTitle } from '../../parts/use-title.ts';
import { t } from '../../parts/speech.ts';
import { fieldsOf } from '../../parts/form.ts';
import { faultWords } from '../../parts/words.ts';
import type { NewAccount } from '../../store/store.ts';
import { loadWire } from '../../../client/load-wire.ts';
import { painted } from '../../store/painted.ts';
import { loadedScreens, loadScreens } from '../lazy.ts';
import type { WaysProps } from '../accounts/ways.tsx';
import { link } from './link-code.ts';
import { PasteLink } from './paste-link.tsx';

type AccessProps = { ended: boolean; email: string; untold?: boolean };

/** Logs in, or makes an account; the first account needs the link that the server printed, others an invitation. */
export function AccessScreen({ ended, email, untold }: AccessProps): JSX.Element {
  // A log-in link has a screen of its own.
  const new_account: NewAccount | undefined = link.value?.kind === 'login' ? undefined : link.value;
  const way = useSignal<'log_in' | 'sign_up' | 'paste'>(new_account ? 'sign_up' : 'log_in');
  const signs_up = way.value === 'sign_up';
  const pastes = way.value === 'paste';
  const closed = useSignal(false);
  const store = useStore();
  useTitle(t.app);
  const owns = new_account?.kind === 'setup' && signs_up;
  const joins = new_account?.kind === 'invite' && signs_up;
  const signUp = async (given: Given): Promise<void> => {
    await store.signUp(given, new_account);
    link.value = undefined;
  };
  const takeNewAccount = (given: NewAccount): void => {
    link.value = given;
    way.value = 'sign_up';
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
        {pastes ? (
          <PasteLink onNewAccount={takeNewAccount} />
        ) : (
          <Credentials
            is_new={signs_up}
            email={email}
            onSend={(given) => (signs_up ? signUp(given) : store.logIn(given))}
          />
        )}
        {(signs_up || pastes || new_account || !closed.value) && (
          <button type="button" class="quiet" onClick={() => (way.value = signs_up || pastes ? 'log_in' : 'sign_up')}>
            {pastes ? t.link.with_password : signs_up ? t.access.to_log_in : t.access.to_sign_up}
          </button>
        )}
        {!pastes && (
          <button type="button" class="quiet" onClick={() => (way.value = 'paste')}>
            {t.link.have}
          </button>
        )}
        <MoreWays link={new_account} needs_link={signs_up && !new_account} onClosed={() => (closed.value = true)} />
        {!isSecureContext && <p class="fault">{t.access.insecure}</p>}
      </div>
    </main>
  );
}

/** The other ways to sign in belong to a part that the first view does without. */
function MoreWays(props: WaysProps): JSX.Element | null {
  useEffect(() => {
    // After what every way needs: on a slow line the two would hold up each other. `main` reports it if that cannot be
    // loaded.
    painted()
      .then(loadWire)
      .then(loadScreens, () => undefined);
  }, []);
  const loaded = loadedScreens();
  return loaded ? <loaded.Ways {...props} /> : null;
}

type Given = { email: string; password: string };
type CredentialsProps = { is_new: boolean; email: string; onSend: (given: Given) => Promise<void> };

function Credentials({ is_new, email, onSend }: CredentialsProps): JSX.Element {
  // What was typed stays where one goes from one way to the other; what was wrong with it belongs to the way it went.
  const fault = useSignal({ is_new, words: '' });
  const sending = useSignal(false);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const { email, password } = fieldsOf(event.currentTarget);
    const given = { email: email ?? '', password: password ?? '' };
    sending.value = true;
    fault.value = { is_new, words: '' };
    onSend(given)
      .catch((error: unknown) => (fault.value = { is_new, words: faultWords(error) }))
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
        {fault.value.is_new === is_new && fault.value.words}
      </p>
      <button type="submit" class="primary" disabled={sending.value}>
        {sending.value ? t.access.working : is_new ? t.access.sign_up : t.access.log_in}
      </button>
    </form>
  );
}
