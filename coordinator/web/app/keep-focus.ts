import { takeFocus } from '../parts/take-focus.ts';

/**
 * What goes on when the one that has the focus goes: a link to somewhere in the app, not one that an agent wrote. No
 * button: a key that was meant for another would press it.
 */
const TAKES_FOCUS = 'a[href]:not([tabindex="-1"], [target], .talk a, .decision a)';
/** What is beyond these is not beside what went. */
const FRAMES = 'form, li, .body, .screen, dialog';

/**
 * Goes on beside what had the focus when that is taken out of the page, such as the row of an errand that was archived:
 * a screen reader would begin anew with the page. Returns what ends it.
 */
export function keepFocus(): () => void {
  let last: Element | null = null;
  const onFocus = ({ target }: FocusEvent): void => {
    if (target instanceof Element) last = target;
  };
  // Whoever touches something else has left it, even where that takes no focus; not with a touch that scrolls.
  const onTouch = (): void => {
    if (document.activeElement !== last) last = null;
  };
  const watch = new MutationObserver((records) => {
    if (!last || last.isConnected || document.activeElement !== document.body) return;
    const gone = last;
    last = null;
    const record = records.find(({ removedNodes }) => [...removedNodes].some((node) => node.contains(gone)));
    if (record?.target instanceof Element) goOn(gone, record.target, record);
  });
  addEventListener('focusin', onFocus);
  addEventListener('mouseup', onTouch, true);
  watch.observe(document.body, { childList: true, subtree: true });
  return () => {
    removeEventListener('focusin', onFocus);
    removeEventListener('mouseup', onTouch, true);
    watch.disconnect();
  };
}

/**
 * To the nearest link that follows `gone`, or stands before it; for a field, or without a link, to the sheet or screen.
 */
function goOn(gone: Element, from: Element, { nextSibling, previousSibling }: MutationRecord): void {
  if (hasScrolledAway(gone, from)) return;
  const found = gone.matches('input, textarea, select') ? undefined : beside(from, nextSibling, previousSibling);
  if (found) found.focus({ preventScroll: true });
  else takeFocus(from.closest<HTMLElement>('dialog, .screen'));
}

/** Whether `gone` was in a row of a long list, which has as many rows as before. */
function hasScrolledAway(gone: Element, list: Element): boolean {
  const row = gone.closest('[aria-setsize]');
  return rowCount(list.querySelector('[aria-setsize]')) >= rowCount(row);
}

function rowCount(row: Element | null): number {
  return Number(row?.getAttribute('aria-setsize') ?? NaN);
}

function beside(from: Element, after: Node | null, before: Node | null): HTMLElement | undefined {
  const found = linkFrom(after, 'nextSibling') ?? linkFrom(before, 'previousSibling');
  if (found || !from.parentElement || from.matches(FRAMES)) return found;
  return beside(from.parentElement, from.nextSibling, from.previousSibling);
}

/** The nearest link from a node on in one direction. */
function linkFrom(from: Node | null, way: 'nextSibling' | 'previousSibling'): HTMLElement | undefined {
  for (let node = from; node; node = node[way]) {
    if (!(node instanceof HTMLElement)) continue;
    if (node.matches(TAKES_FOCUS)) return node;
    const links = [...node.querySelectorAll<HTMLElement>(TAKES_FOCUS)];
    const found = links.at(way === 'nextSibling' ? 0 : -1);
    if (found) return found;
  }
  return undefined;
}
