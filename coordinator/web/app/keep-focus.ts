/** What goes on when the one that has the focus goes. A field would open the keyboard of a phone. */
const TAKES_FOCUS = ':is(a[href], button:not(:disabled)):not([tabindex="-1"])';

/**
 * Goes on beside what had the focus when that is taken out of the page, such as the row of an errand that was archived:
 * a screen reader would begin anew with the page. Returns what ends it.
 */
export function keepFocus(): () => void {
  let last: Element | null = null;
  const onFocus = ({ target }: FocusEvent): void => {
    if (target instanceof Element) last = target;
  };
  const watch = new MutationObserver((records) => {
    if (!last || last.isConnected || document.activeElement !== document.body) return;
    const gone = last;
    last = null;
    const record = records.find(({ removedNodes }) => [...removedNodes].some((node) => node.contains(gone)));
    if (record) goOnBeside(record);
  });
  addEventListener('focusin', onFocus);
  watch.observe(document.body, { childList: true, subtree: true });
  return () => {
    removeEventListener('focusin', onFocus);
    watch.disconnect();
  };
}

/** To the nearest that follows in what it was in, or stands before it; else beside what that is in. */
function goOnBeside({ target, nextSibling, previousSibling }: MutationRecord): void {
  let next = nextSibling;
  let before = previousSibling;
  for (let place: Node | null = target; place && place !== document.body; place = place.parentNode) {
    const found = firstOf(next, 'nextSibling') ?? firstOf(before, 'previousSibling');
    if (found) return found.focus({ preventScroll: true });
    next = place.nextSibling;
    before = place.previousSibling;
  }
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
