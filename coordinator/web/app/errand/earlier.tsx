import { useSignal } from '@preact/signals';
import type { JSX, RefObject } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../../parts/speech.ts';

/** How near its upper edge a list asks for more: before the reader gets there. */
const NEAR = '600px 0px 0px';

type EarlierProps = { list: RefObject<HTMLElement | null>; onMore: () => Promise<void> };

/** Stands above the first row. Scrolling near it shows what was before; so does a touch, which a failed attempt needs. */
export function Earlier({ list, onMore }: EarlierProps): JSX.Element {
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
    <button ref={button} type="button" class="quiet earlier" onClick={read} aria-busy={state.value === 'reads'}>
      {state.value === 'reads' ? t.loading : t.errand.earlier}
    </button>
  );
}
