import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useSession } from '../../parts/context.ts';
import { useRead } from '../../parts/use-read.ts';
import { s } from '../screen-speech.ts';
import { faultWords } from '../../parts/words.ts';

/**
 * Whether the person is notified of an errand, and the button that changes it. It shows once the server has said so.
 */
export function Mute({ id }: { id: string }): JSX.Element | null {
  const { push } = useSession();
  const muted = useSignal<boolean | undefined>(undefined);
  const fault = useSignal('');
  const read = (): void => {
    push.isMuted(id).then(
      (is_muted) => (muted.value = is_muted),
      () => undefined,
    );
  };
  useRead(read, [push, id]);
  if (muted.value === undefined) return null;
  const change = (to: boolean): void => {
    push.mute(id, to).then(
      () => (muted.value = to),
      (error: unknown) => (fault.value = faultWords(error)),
    );
  };
  return (
    <>
      <p class={fault.value === '' ? 'soft' : 'fault'} role="status">
        {fault.value || (muted.value ? s.notify.muted : '')}
      </p>
      <button type="button" class="choice" onClick={() => change(!muted.value)}>
        {muted.value ? s.notify.unmute : s.notify.mute}
      </button>
    </>
  );
}
