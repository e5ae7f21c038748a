import { useSignal } from '@preact/signals';
import type { JSX, TargetedSubmitEvent } from 'preact';
import { useStore } from '../../parts/context.ts';
import { fieldsOf } from '../../parts/form.ts';
import { t } from '../../parts/speech.ts';
import type { NewAccount } from '../../store/store.ts';
import { signInFault } from '../accounts/sign-in-fault.ts';
import { parsePastedLink } from './parse-link.ts';

/** Takes a link that the system would open in a browser, not in the installed app. A log-in link logs in at once. */
export function PasteLink({ onNewAccount }: { onNewAccount: (link: NewAccount) => void }): JSX.Element {
  const store = useStore();
  const fault = useSignal('');
  const sending = useSignal(false);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const given = parsePastedLink(fieldsOf(event.currentTarget)['link'] ?? '');
    fault.value = given ? '' : t.link.not_one;
    if (!given) return;
    if (given.kind !== 'login') {
      onNewAccount(given);
      return;
    }
    sending.value = true;
    store
      .logInByLink(given.code)
      .catch((error: unknown) => (fault.value = signInFault(error)))
      .finally(() => (sending.value = false));
  };
  return (
    <form onSubmit={submit}>
      <label class="field">
        <span>{t.link.paste}</span>
        <input name="link" required autocomplete="off" autocapitalize="none" spellcheck={false} inputMode="url" />
        <small>{t.link.paste_hint}</small>
      </label>
      <p class="fault" role="alert">
        {fault.value}
      </p>
      <button type="submit" class="primary" disabled={sending.value}>
        {sending.value ? t.access.working : t.link.go_on}
      </button>
    </form>
  );
}
