/** Moves the focus to what has none by itself, such as a screen or a card: no key does anything there. */
export function takeFocus(element: HTMLElement | null | undefined): void {
  if (!element) return;
  element.tabIndex = -1;
  element.focus({ preventScroll: true });
}
