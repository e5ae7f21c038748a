/**
 * Keeps `--height` at the height that is seen, so that the composer stays above the keyboard where the browser does not
 * shrink the page for it. A zoomed page keeps the height that it had.
 */
export function followKeyboard(): void {
  const view = window.visualViewport;
  if (!view) return;
  const measure = (): void => {
    if (Math.abs(view.scale - 1) > 0.01) return;
    document.documentElement.style.setProperty('--height', `${view.height}px`);
    // iOS scrolls the page to the field, although the page has the height that is seen.
    if (document.documentElement.scrollTop !== 0) scrollTo(0, 0);
  };
  measure();
  for (const type of ['resize', 'scroll']) view.addEventListener(type, measure);
  for (const type of ['focusout', 'pageshow']) addEventListener(type, () => requestAnimationFrame(measure));
}
