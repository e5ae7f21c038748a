import { useSignal, type Signal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';

/** A finger that moved so far sideways swipes; one that moved so far up or down scrolls. */
const DECIDES_PX = 10;

/**
 * Lets a finger push a row aside, towards its beginning, so that the panel behind it shows. `panel` is in the row,
 * after what moves. `first`: a touch of the row that has begun already. Returns whether the row is aside. A touch
 * anywhere else brings it back.
 */
export function useSwipe(panel: RefObject<HTMLElement | null>, first: PointerEvent | undefined): Signal<boolean> {
  const aside = useSignal(false);
  useEffect(() => {
    const [row, moves] = [panel.current?.parentElement, panel.current?.parentElement?.querySelector<HTMLElement>('a')];
    if (!row || !moves) return;
    const gone = new AbortController();
    const { signal } = gone;
    const sign = getComputedStyle(row).direction === 'rtl' ? 1 : -1;
    let start: { finger: number; x: number; y: number; from: number } | undefined;
    let moved = 0;
    const place = (px: number): void => void (moves.style.translate = px === 0 ? '' : `${sign * px}px`);
    const settle = (to: boolean): void => {
      [aside.value, start] = [to, undefined];
      row.classList.toggle('aside', to);
      row.classList.remove('swiped');
      place(to ? (panel.current?.offsetWidth ?? 0) : 0);
    };
    const onDown = (event: PointerEvent): void => {
      if (event.pointerType === 'mouse' || !event.isPrimary) return;
      const from = aside.peek() ? (panel.current?.offsetWidth ?? 0) : 0;
      [start, moved] = [{ finger: event.pointerId, x: event.clientX, y: event.clientY, from }, from];
    };
    const onMove = ({ pointerId, clientX, clientY }: PointerEvent): void => {
      // The first touch may be over before this listens.
      if (start?.finger !== pointerId) return;
      const by = (clientX - start.x) * sign;
      const swipes = row.classList.contains('swiped');
      if (!swipes && Math.abs(clientY - start.y) > DECIDES_PX) return settle(aside.peek());
      if (!swipes && Math.abs(by) < DECIDES_PX) return;
      row.classList.add('swiped');
      moved = Math.min(Math.max(0, start.from + by), panel.current?.offsetWidth ?? 0);
      place(moved);
    };
    const onUp = (): void => {
      if (start && row.classList.contains('swiped')) settle(moved > (panel.current?.offsetWidth ?? 0) / 2);
      start = undefined;
    };
    const elsewhere = ({ target }: PointerEvent): void => {
      if (aside.peek() && !row.contains(target as Node)) settle(false);
    };
    if (first) onDown(first);
    row.addEventListener('pointerdown', onDown, { signal });
    row.addEventListener('pointermove', onMove, { signal });
    row.addEventListener('pointerup', onUp, { signal });
    takeFromBrowser(row, moves, aside, signal);
    row.addEventListener('pointercancel', () => settle(aside.peek()), { signal });
    addEventListener('pointerdown', elsewhere, { signal, capture: true });
    const closed = aside.subscribe((is_aside) => {
      if (!is_aside && !start) settle(false);
    });
    return () => {
      closed();
      gone.abort();
    };
  }, [panel, aside]);
  return aside;
}

/** Keeps the browser from taking the touches of a swipe for something else. */
function takeFromBrowser(row: HTMLElement, moves: HTMLElement, aside: Signal<boolean>, signal: AbortSignal): void {
  // Otherwise Chromium takes a swipe for a fling, and the next tap only for the end of that fling.
  const onTouchMove = (event: TouchEvent): void => {
    if (row.classList.contains('swiped') && event.cancelable) event.preventDefault();
  };
  // A touch of what is aside brings it back, and opens nothing.
  const onClick = (event: MouseEvent): void => {
    if (!aside.peek()) return;
    event.preventDefault();
    aside.value = false;
  };
  row.addEventListener('touchmove', onTouchMove, { signal, passive: false });
  moves.addEventListener('click', onClick, { signal });
}
