import { useSignal, type Signal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

/** So near its end a list counts as being at it. */
const NEAR_PX = 24;

type Anchor = { row: Element; top: number };

/**
 * Keeps a list where its reader is: at its end, as long as they are there; else with the first visible row where it
 * was, whatever changes above. `is_whole`: its last row is in the page.
 */
export function useFollowEnd(
  list: RefObject<HTMLElement | null>,
  is_whole: RefObject<boolean>,
  onRead: () => void,
): { follows: Signal<boolean>; toEnd: () => void } {
  const follows = useSignal(true);
  const last_top = useRef(0);
  /** Whether the reader has scrolled up from the end. */
  const hasLeft = ({ scrollTop, scrollHeight, clientHeight }: HTMLElement): boolean =>
    scrollTop < last_top.current - 1 && !(is_whole.current && scrollHeight - scrollTop - clientHeight < NEAR_PX);
  // As the page is before this is drawn: a scroll that no event has told of yet counts too.
  const stays = follows.peek() && !(list.current && hasLeft(list.current));
  const anchor = stays ? undefined : findAnchor(list.current);
  const toEnd = (): void => {
    follows.value = true;
    if (list.current) list.current.scrollTop = list.current.scrollHeight;
  };
  useEffect(() => {
    const element = list.current;
    if (!element) return;
    const onScroll = (): void => {
      const { scrollTop, scrollHeight, clientHeight } = element;
      const at_end = is_whole.current && scrollHeight - scrollTop - clientHeight < NEAR_PX;
      if (hasLeft(element)) {
        if (follows.value) onRead();
        follows.value = false;
      }
      if (at_end) follows.value = true;
      last_top.current = scrollTop;
    };
    element.addEventListener('scroll', onScroll, { passive: true });
    let { top } = element.getBoundingClientRect();
    // The keyboard: the end stays in view. The goal above folds: what one reads stays where it is.
    const resized = new ResizeObserver(() => {
      const moved = element.getBoundingClientRect().top - top;
      top += moved;
      if (follows.value) showEnd(element);
      else if (moved !== 0) element.scrollTop += moved;
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
    if (stays) {
      showEnd(element);
      last_top.current = element.scrollTop;
    } else if (anchor?.row.isConnected === true) {
      const moved = anchor.row.getBoundingClientRect().top - anchor.top;
      if (Math.abs(moved) >= 1) element.scrollTop += moved;
    }
  });
  return { follows, toEnd };
}

/** At the end an open decision shows from its beginning on. Whoever has read on stays there. */
function showEnd(list: HTMLElement): void {
  const decision = list.querySelector('.decision');
  const above = decision ? decision.getBoundingClientRect().top - list.getBoundingClientRect().top : Infinity;
  list.scrollTop = Math.max(list.scrollTop, Math.min(list.scrollHeight, list.scrollTop + above));
}

/** The first row that shows, and where its upper edge is. */
function findAnchor(list: HTMLElement | null): Anchor | undefined {
  const rows = list?.querySelectorAll(':scope > ol > li');
  if (!list || !rows) return undefined;
  const { top } = list.getBoundingClientRect();
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.getBoundingClientRect().bottom ?? 0) > top) high = middle;
    else low = middle + 1;
  }
  const row = rows[low];
  return row && { row, top: row.getBoundingClientRect().top };
}
