import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { OneTimeLink } from '../../../../protocol/accounts.ts';
import { useSession } from '../../parts/context.ts';
import { t } from '../../parts/speech.ts';
import { useOnce } from '../../parts/use-once.ts';
import { faultWords } from '../../parts/words.ts';
import { s } from '../screen-speech.ts';
import { LinkSheet } from './link-sheet.tsx';
import { useArrived } from './use-arrived.ts';

/** Shows a link that logs a phone in. `onClose`: the person has seen enough of it, and may have used it. */
export function AddDevice({ onClose }: { onClose: () => void }): JSX.Element {
  const { client, live } = useSession();
  const made = useSignal<OneTimeLink | undefined>(undefined);
  const fault = useSignal('');
  const once = useOnce();
  const arrived = useArrived(made.value);
  const make = (): void => {
    fault.value = '';
    once(() =>
      client.call('createLoginLink', {}).then(
        (link) => (made.value = link),
        (error: unknown) => (fault.value = faultWords(error)),
      ),
    );
  };
  const close = (): void => {
    made.value = undefined;
    onClose();
  };
  return (
    <>
      <p class="fault" role="alert">
        {fault.value}
      </p>
      <button type="button" class="choice" disabled={live.value?.kind === 'away'} onClick={make}>
        {t.link.add}
      </button>
      {made.value && (
        <LinkSheet
          title={t.link.add}
          text={s.settings.link_text}
          made={made.value}
          used={arrived ? s.settings.link_used : undefined}
          server={client.server}
          onClose={close}
        />
      )}
    </>
  );
}
