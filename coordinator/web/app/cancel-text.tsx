import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { Confirm } from '../parts/screen.tsx';
import { t } from '../parts/speech.ts';
import { s } from './screen-speech.ts';

type CancelTextProps = {
  /** Whether words were written that are kept nowhere else. */
  loses: boolean;
  onCancel: () => void;
};

/** Ends the writing of a text. It asks before it throws words away. */
export function CancelText({ loses, onCancel }: CancelTextProps): JSX.Element {
  const asks = useSignal(false);
  return (
    <>
      <button type="button" class="quiet" onClick={() => (loses ? (asks.value = true) : onCancel())}>
        {t.cancel}
      </button>
      {asks.value && (
        <Confirm
          title={s.discard_title}
          text={s.discard_text}
          yes={s.discard}
          danger
          onYes={onCancel}
          onClose={() => (asks.value = false)}
        />
      )}
    </>
  );
}
