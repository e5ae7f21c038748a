/**
 * Keeps `--height` at the height that is seen, and `--keyboard` at what an on-screen keyboard covers below it: so the
 * composer and the sheets stay above the keyboard where the browser does not shrink the page for it. A zoomed page
 * keeps what it had.
 */
export function followKeyboard(): void {
  const view = window.visualViewport;
  if (!view) return;
  const page = document.documentElement;
  let height = view.height;
  const measure = (): void => {
    if (Math.abs(view.scale - 1) > 0.01) return;
    page.style.setProperty('--height', `${view.height}px`);
    page.style.setProperty('--keyboard', `${Math.max(0, innerHeight - view.height - view.offsetTop)}px`);
    // iOS scrolls the page to the field, although the page has the height that is seen.
    if (page.scrollTop !== 0) scrollTo(0, 0);
    // In its place the list or sheet that the field is in scrolls.
    if (view.height < height) document.activeElement?.scrollIntoView({ block: 'nearest' });
    height = view.height;
  };
  measure();
  for (const type of ['resize', 'scroll']) view.addEventListener(type, measure);
  for (const type of ['focusout', 'pageshow']) addEventListener(type, () => requestAnimationFrame(measure));
}
