import { useSignal } from '@preact/signals';
import type { JSX, TargetedSubmitEvent } from 'preact';
import type { SessionInfo } from '../../../../protocol/accounts.ts';
import { useSession } from '../../parts/context.ts';
import { fieldsOf } from '../../parts/form.ts';
import { Sheet } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { faultWords } from '../../parts/words.ts';
import { s } from '../screen-speech.ts';
import { deviceName } from './device-name.ts';

type RenameProps = { session: SessionInfo; onRenamed: () => void; onClose: () => void };

/** Gives a device another name. Without one it is called as its browser calls itself. */
export function RenameDevice({ session: { id, name, user_agent }, onRenamed, onClose }: RenameProps): JSX.Element {
  const { client } = useSession();
  const fault = useSignal('');
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const given = fieldsOf(event.currentTarget)['name']?.trim() || null;
    client.call('patchSession', { params: { id }, body: { name: given } }).then(
      () => {
        onRenamed();
        onClose();
      },
      (error: unknown) => (fault.value = faultWords(error)),
    );
  };
  return (
    <Sheet label={s.settings.rename} onClose={onClose}>
      <h2>{s.settings.rename}</h2>
      <form onSubmit={submit}>
        <label class="field">
          <span>{s.settings.device_name}</span>
          <input
            name="name"
            maxLength={100}
            autocomplete="off"
            defaultValue={name ?? ''}
            placeholder={deviceName(user_agent) ?? s.settings.unknown_device}
          />
        </label>
        <p class="fault" role="alert">
          {fault.value}
        </p>
        <button type="submit" class="choice main">
          {t.save}
        </button>
      </form>
      <button type="button" class="choice" onClick={onClose}>
        {t.cancel}
      </button>
    </Sheet>
  );
}
