import { useSignal } from '@preact/signals';
import type { JSX, TargetedSubmitEvent } from 'preact';
import { useSession } from '../../parts/context.ts';
import { fieldsOf } from '../../parts/form.ts';
import { t } from '../../parts/speech.ts';
import { faultWords } from '../../parts/words.ts';

/** Changes the password; all other devices are logged out. */
export function PasswordForm({ email }: { email: string }): JSX.Element {
  const { client } = useSession();
  const fault = useSignal('');
  const saved = useSignal(false);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = event.currentTarget;
    const { old_password = '', new_password = '' } = fieldsOf(form);
    fault.value = '';
    saved.value = false;
    client
      .call('changePassword', { body: { old_password, new_password } })
      .then(() => {
        saved.value = true;
        form.reset();
      })
      .catch((error: unknown) => (fault.value = faultWords(error)));
  };
  return (
    <form onSubmit={submit}>
      <input
        class="hidden"
        type="email"
        autocomplete="username"
        value={email}
        readOnly
        tabIndex={-1}
        aria-hidden="true"
      />
      <label class="field">
        <span>{t.settings.old_password}</span>
        <input name="old_password" type="password" required autocomplete="current-password" />
      </label>
      <label class="field">
        <span>{t.settings.new_password}</span>
        <input name="new_password" type="password" required minLength={10} autocomplete="new-password" />
      </label>
      <p class={fault.value === '' ? '' : 'fault'} role="status">
        {fault.value || (saved.value ? t.settings.password_saved : '')}
      </p>
      <button type="submit" class="choice">
        {t.save}
      </button>
    </form>
  );
}
