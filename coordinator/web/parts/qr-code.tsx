import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { t } from './speech.ts';

type Code = { size: number; path: string };

/** A text as a QR code. What draws it is loaded when one is shown. */
export function QrCode({ text }: { text: string }): JSX.Element {
  const code = useSignal<Code | undefined>(undefined);
  useEffect(() => {
    void import('uqr').then(({ encode }) => {
      const { size, data } = encode(text, { border: 3 });
      const dark = data.flatMap((row, y) => row.flatMap((on, x) => (on ? `M${x} ${y}h1v1h-1z` : [])));
      code.value = { size, path: dark.join('') };
    });
  }, [text]);
  const drawn = code.value;
  const side = drawn?.size ?? 1;
  return (
    <svg class="qr" viewBox={`0 0 ${side} ${side}`} role="img" aria-label={t.link.qr} shape-rendering="crispEdges">
      <path class="qr-light" d={`M0 0h${side}v${side}h-${side}z`} />
      {drawn && <path class="qr-dark" d={drawn.path} />}
    </svg>
  );
}
