import { useSignal } from '@preact/signals';
import type { JSX, TargetedSubmitEvent } from 'preact';
import { useSession } from '../../parts/context.ts';
import { fieldsOf } from '../../parts/form.ts';
import { t } from '../../parts/speech.ts';
import { confirmFault } from '../accounts/confirm-fault.ts';
import { isAbout } from '../is-about.ts';
import { s } from '../screen-speech.ts';

type PasswordFormProps = {
  email: string;
  /** Whether there is one already. */
  has_password: boolean;
  onSaved: () => void;
};

/** Changes the password, or sets the first; all other devices are logged out. */
export function PasswordForm({ email, has_password, onSaved }: PasswordFormProps): JSX.Element {
  const { client } = useSession();
  const fault = useSignal('');
  const old_is_wrong = useSignal(false);
  const saved = useSignal(false);
  const saving = useSignal(false);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = event.currentTarget;
    const { old_password, new_password = '' } = fieldsOf(form);
    fault.value = '';
    old_is_wrong.value = false;
    saved.value = false;
    saving.value = true;
    client
      .call('changePassword', { body: { new_password, ...(old_password !== undefined && { old_password }) } })
      .then(() => {
        saved.value = true;
        form.reset();
        onSaved();
      })
      .catch((error: unknown) => {
        old_is_wrong.value = has_password && isAbout(error, '/old_password');
        fault.value = old_is_wrong.value ? '' : confirmFault(error);
      })
      .finally(() => (saving.value = false));
  };
  return (
    <form onSubmit={submit}>
      <Whose email={email} />
      {has_password ? <CurrentPassword is_wrong={old_is_wrong.value} /> : <p class="soft">{s.accounts.no_password}</p>}
      <label class="field">
        <span>{s.settings.new_password}</span>
        <input name="new_password" type="password" required minLength={10} autocomplete="new-password" />
      </label>
      <p class={fault.value === '' ? '' : 'fault'} role="status">
        {fault.value || (saved.value ? s.settings.password_saved : '')}
      </p>
      <button type="submit" class="choice" disabled={saving.value}>
        {saving.value ? t.access.working : t.save}
      </button>
    </form>
  );
}

/** Tells a password manager whose password a form is about. */
export function Whose({ email }: { email: string }): JSX.Element {
  return (
    <input
      class="hidden"
      type="email"
      autocomplete="username"
      value={email}
      readOnly
      tabIndex={-1}
      aria-hidden="true"
    />
  );
}

/** Asks for the password. Its field is named `old_password`. */
export function CurrentPassword({ is_wrong }: { is_wrong: boolean }): JSX.Element {
  return (
    <label class={is_wrong ? 'field wrong' : 'field'}>
      <span>{s.settings.old_password}</span>
      <input name="old_password" type="password" required autocomplete="current-password" />
      <span class="fault" role="alert">
        {is_wrong ? s.settings.old_password_wrong : ''}
      </span>
    </label>
  );
}
