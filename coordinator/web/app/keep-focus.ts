import { focusScreen } from './screen-focus.ts';

/** What goes on when the one that has the focus goes. No button: a key that was meant for another would press it. */
const TAKES_FOCUS = 'a[href]:not([tabindex="-1"])';

/**
 * Goes on beside what had the focus when that is taken out of the page, such as the row of an errand that was archived:
 * a screen reader would begin anew with the page. Returns what ends it.
 */
export function keepFocus(): () => void {
  let last: Element | null = null;
  const onFocus = ({ target }: FocusEvent): void => {
    if (target instanceof Element) last = target;
  };
  // Whoever touches something else has left it, even where that takes no focus.
  const onTouch = ({ target }: PointerEvent): void => {
    if (target instanceof Node && last?.contains(target) === false) last = null;
  };
  const watch = new MutationObserver((records) => {
    if (!last || last.isConnected || document.activeElement !== document.body) return;
    const gone = last;
    last = null;
    const record = records.find(({ removedNodes }) => [...removedNodes].some((node) => node.contains(gone)));
    if (record?.target instanceof Element) goOn(gone, record.target, record);
  });
  addEventListener('focusin', onFocus);
  addEventListener('pointerdown', onTouch, true);
  watch.observe(document.body, { childList: true, subtree: true });
  return () => {
    removeEventListener('focusin', onFocus);
    removeEventListener('pointerdown', onTouch, true);
    watch.disconnect();
  };
}

/** To the nearest link that follows `gone`, or stands before it; for a field, or without a link, to the screen. */
function goOn(gone: Element, from: Element, { nextSibling, previousSibling }: MutationRecord): void {
  const place = gone.closest('[aria-posinset]')?.getAttribute('aria-posinset');
  // In a long list another row is in the place of one that went; one that was scrolled away leaves none.
  if (place && !from.querySelector(`[aria-posinset="${place}"]`)) return;
  const screen = from.closest<HTMLElement>('.screen');
  const found = gone.matches('input, textarea, select') ? undefined : beside(from, nextSibling, previousSibling);
  if (found) found.focus({ preventScroll: true });
  else if (screen) focusScreen(screen);
}

function beside(from: Element, after: Node | null, before: Node | null): HTMLElement | undefined {
  const found = firstOf(after, 'nextSibling') ?? firstOf(before, 'previousSibling');
  if (found || !from.parentElement || from.matches('.screen')) return found;
  return beside(from.parentElement, from.nextSibling, from.previousSibling);
}

/** The first that takes the focus, from a node on in one direction. */
function firstOf(from: Node | null, way: 'nextSibling' | 'previousSibling'): HTMLElement | undefined {
  for (let node = from; node; node = node[way]) {
    if (!(node instanceof HTMLElement)) continue;
    const found = node.matches(TAKES_FOCUS) ? node : node.querySelector<HTMLElement>(TAKES_FOCUS);
    if (found) return found;
  }
  return undefined;
}
