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
  const reads = useSignal(false);
  const latest = useRef(onMore);
  latest.current = onMore;
  const read = (): void => {
    if (reads.peek()) return;
    reads.value = true;
    void latest
      .current()
      .catch(() => undefined)
      .finally(() => (reads.value = false));
  };
  useEffect(() => {
    const [root, target] = [list.current, button.current];
    if (!root || !target) return;
    const observer = new IntersectionObserver(
      (entries) => {
        // Not before the list has been scrolled: it opens at its end, and a short one shows all at once.
        if (entries.some(({ isIntersecting }) => isIntersecting) && root.scrollTop > 0) read();
      },
      { root, rootMargin: NEAR },
    );
    observer.observe(target);
    return () => observer.disconnect();
  }, [list]);
  return (
    <button ref={button} type="button" class="quiet earlier" onClick={read} aria-busy={reads.value}>
      {reads.value ? t.loading : t.errand.earlier}
    </button>
  );
}
