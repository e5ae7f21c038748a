import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { copyText } from './copy-text.ts';
import { t } from './speech.ts';

/** Copies a link, or another text that shows once. `class`: how it looks. */
export function CopyLink({ link, class: look }: { link: string; class: string }): JSX.Element {
  const copied = useSignal(false);
  return (
    <button
      type="button"
      class={look}
      onClick={({ currentTarget }) => void copyText(link, currentTarget).then((done) => (copied.value = done))}
    >
      {copied.value ? t.link.copied : t.link.copy}
    </button>
  );
}
