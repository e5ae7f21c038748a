import { useSignal } from '@preact/signals';
import type { JSX, RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../../parts/speech.ts';

/** How near the edge of what is in the page a list asks for more: before the reader gets there. */
const NEAR = '600px 0px';

type MoreRowsProps = { list: RefObject<HTMLElement | null>; label: string; onMore: () => Promise<void> };

/** Stands at the edge of the rows. Scrolling near it shows more; so does a touch, which a failed attempt needs. */
export function MoreRows({ list, label, onMore }: MoreRowsProps): JSX.Element {
  const button = useRef<HTMLButtonElement>(null);
  const state = useSignal<'rests' | 'reads' | 'failed'>('rests');
  const latest = useRef(onMore);
  latest.current = onMore;
  const read = (): void => {
    if (state.peek() === 'reads') return;
    state.value = 'reads';
    latest.current().then(
      () => (state.value = 'rests'),
      () => (state.value = 'failed'),
    );
  };
  useEffect(() => {
    const [root, target] = [list.current, button.current];
    if (!root || !target || state.value !== 'rests') return;
    // It is told at once whether it is near: after each page anew, until the list is longer than the screen.
    const observer = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) read();
      },
      { root, rootMargin: NEAR },
    );
    observer.observe(target);
    return () => observer.disconnect();
  }, [list, state.value]);
  return (
    <button ref={button} type="button" class="quiet more-rows" onClick={read} aria-busy={state.value === 'reads'}>
      {state.value === 'reads' ? t.loading : label}
    </button>
  );
}
