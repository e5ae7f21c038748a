import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { t } from './speech.ts';

/** Copies a link, or another text that shows once. `class`: how it looks. */
export function CopyLink({ link, class: look }: { link: string; class: string }): JSX.Element {
  const copied = useSignal(false);
  const copy = (): void => {
    // Without TLS a browser has no clipboard: the link can be selected.
    (navigator.clipboard as Clipboard | undefined)?.writeText(link).then(
      () => (copied.value = true),
      () => undefined,
    );
  };
  return (
    <button type="button" class={look} onClick={copy}>
      {copied.value ? t.link.copied : t.link.copy}
    </button>
  );
}
