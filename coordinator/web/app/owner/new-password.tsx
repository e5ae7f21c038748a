import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { CopyLink } from '../../parts/copy-link.tsx';
import { useSession } from '../../parts/context.ts';
import { Sheet } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { useOnce } from '../../parts/use-once.ts';
import { faultWords } from '../../parts/words.ts';
import { s } from '../screen-speech.ts';

/** Gives somebody who has forgotten theirs a new password: asks first, then shows it, this once. */
export function NewPassword({ email, onClose }: { email: string; onClose: () => void }): JSX.Element {
  const { client } = useSession();
  const made = useSignal<string | undefined>(undefined);
  const fault = useSignal('');
  const once = useOnce();
  const make = (): void => {
    fault.value = '';
    once(() =>
      client.call('resetPassword', { body: { email } }).then(
        ({ password }) => (made.value = password),
        (error: unknown) => (fault.value = faultWords(error)),
      ),
    );
  };
  const title = s.owner.new_password_title(email);
  return (
    <Sheet label={title} holds={made.value !== undefined} onClose={onClose}>
      <h2>{title}</h2>
      {made.value === undefined ? (
        <p>{s.owner.new_password_text}</p>
      ) : (
        <>
          <p role="status">{s.owner.new_password_once}</p>
          <p class="link-text">{made.value}</p>
          <CopyLink link={made.value} class="choice main" />
        </>
      )}
      <p class="fault" role="alert">
        {fault.value}
      </p>
      {made.value === undefined && (
        <button type="button" class="choice danger" onClick={make}>
          {s.owner.new_password}
        </button>
      )}
      <button type="button" class="choice" onClick={onClose}>
        {made.value === undefined ? t.cancel : t.close}
      </button>
    </Sheet>
  );
}
