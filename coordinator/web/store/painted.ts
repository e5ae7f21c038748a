/** A page that is hidden is not painted. */
const AT_MOST_MS = 100;

/** Resolves once what was drawn last is on the screen, so that what can wait does not hold it up. */
export function painted(): Promise<void> {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, AT_MOST_MS);
  });
}
