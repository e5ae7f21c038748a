import { useSignal, type Signal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

/** So near its end a list counts as being at it. */
const NEAR_PX = 24;

type Anchor = { row: Element; top: number };

/**
 * Keeps a list where its reader is: at its end, as long as they are there; else with the first visible row where it was,
 * whatever changes above. `content` is what the list shows now.
 */
export function useFollowEnd(
  list: RefObject<HTMLElement | null>,
  content: unknown,
  onRead: () => void,
): { follows: Signal<boolean>; toEnd: () => void } {
  const follows = useSignal(true);
  const anchor = useRef<Anchor | undefined>(undefined);
  const last_top = useRef(0);
  const toEnd = (): void => {
    follows.value = true;
    if (list.current) list.current.scrollTop = list.current.scrollHeight;
  };
  useEffect(() => {
    const element = list.current;
    if (!element) return;
    const onScroll = (): void => {
      const { scrollTop, scrollHeight, clientHeight } = element;
      const at_end = scrollHeight - scrollTop - clientHeight < NEAR_PX;
      if (scrollTop < last_top.current - 1 && !at_end) {
        if (follows.value) onRead();
        follows.value = false;
      }
      if (at_end) follows.value = true;
      last_top.current = scrollTop;
      anchor.current = findAnchor(element);
    };
    element.addEventListener('scroll', onScroll, { passive: true });
    // The keyboard, or a row that opens: the end stays in view.
    const resized = new ResizeObserver(() => {
      if (follows.value) element.scrollTop = element.scrollHeight;
    });
    resized.observe(element);
    return () => {
      element.removeEventListener('scroll', onScroll);
      resized.disconnect();
    };
  }, [list]);
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    if (follows.peek()) element.scrollTop = element.scrollHeight;
    else if (anchor.current?.row.isConnected === true) {
      const moved = anchor.current.row.getBoundingClientRect().top - anchor.current.top;
      if (Math.abs(moved) >= 1) element.scrollTop += moved;
    }
  }, [content]);
  return { follows, toEnd };
}

/** The first row that shows, and where its upper edge is. */
function findAnchor(list: HTMLElement): Anchor | undefined {
  const { top } = list.getBoundingClientRect();
  for (const row of list.querySelectorAll(':scope > ol > li')) {
    const box = row.getBoundingClientRect();
    if (box.bottom > top) return { row, top: box.top };
  }
  return undefined;
}
