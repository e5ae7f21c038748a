import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';

/** What the arrow keys go through: lines, and what opens folded ones. */
const STOPS = '.line-of, button.gap';

/**
 * Makes the lines of a file one stop for the Tab key, at the line that had the focus last. The arrow keys move from
 * line to line.
 */
export function useOneStop(): RefObject<HTMLDivElement | null> {
  const box = useRef<HTMLDivElement>(null);
  // Lines come and go with each draw.
  useLayoutEffect(() => {
    const stops = stopsOf(box.current);
    const now = stops.find((stop) => stop.getAttribute('tabindex') === '0') ?? stops[0];
    if (now) setStop(stops, now);
  });
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const onFocus = ({ target }: FocusEvent): void => {
      if (target instanceof HTMLElement && target.matches(STOPS)) setStop(stopsOf(element), target);
    };
    const onKey = (event: KeyboardEvent): void => {
      const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
      const { target } = event;
      if (by === 0 || !(target instanceof HTMLElement) || !target.matches(STOPS)) return;
      const stops = stopsOf(element);
      event.preventDefault();
      stops[stops.indexOf(target) + by]?.focus();
    };
    element.addEventListener('focusin', onFocus);
    element.addEventListener('keydown', onKey);
    return () => {
      element.removeEventListener('focusin', onFocus);
      element.removeEventListener('keydown', onKey);
    };
  }, []);
  return box;
}

function stopsOf(element: HTMLElement | null): HTMLElement[] {
  return [...(element?.querySelectorAll<HTMLElement>(STOPS) ?? [])];
}

function setStop(stops: readonly HTMLElement[], now: HTMLElement): void {
  for (const stop of stops) stop.tabIndex = stop === now ? 0 : -1;
}
