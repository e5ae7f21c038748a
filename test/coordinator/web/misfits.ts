import type { Page } from 'playwright-core';

/** What does not fit on a screen, in words: what reaches beyond its edges, scrolls sideways, or is cut. */
export function misfits(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const width = document.documentElement.clientWidth;
    const name = (element: Element) =>
      `${element.tagName.toLowerCase()}.${element.className} “${element.textContent?.trim().slice(0, 30)}”`;
    // A text that ends in an ellipsis is whole elsewhere.
    const isShort = (style: CSSStyleDeclaration) =>
      style.textOverflow === 'ellipsis' || style.webkitLineClamp !== 'none';
    if (document.documentElement.scrollWidth > width) found.push('the page scrolls sideways');
    for (const element of document.querySelectorAll<HTMLElement>('#app *')) {
      const style = getComputedStyle(element);
      const box = element.getBoundingClientRect();
      // Rows of choices and code scroll by themselves, and what only a screen reader reads has no room.
      const in_short = (inner: Element): boolean =>
        inner.parentElement !== null &&
        (isShort(getComputedStyle(inner.parentElement)) || in_short(inner.parentElement));
      if (
        in_short(element) ||
        style.visibility === 'hidden' ||
        box.width === 0 ||
        element.closest('.hidden, svg, pre, .chips, .row-actions')
      )
        continue;
      if (box.left < -1 || box.right > width + 1) found.push(`outside: ${name(element)}`);
      const cuts = (overflow: string) => overflow !== 'visible';
      // The button of a row reaches into the margin, a long text scrolls in its field, and a long question fades out.
      if (isShort(style) || element.matches('input, select, textarea, progress, .task, .question.cut')) continue;
      if (cuts(style.overflowX) && element.scrollWidth > element.clientWidth + 1) found.push(`cut: ${name(element)}`);
      const is_fixed = style.overflowY === 'hidden' || style.overflowY === 'clip';
      if (is_fixed && element.scrollHeight > element.clientHeight + 1) found.push(`cut below: ${name(element)}`);
      const holds_text = [...element.childNodes].some(({ nodeType, nodeValue }) => nodeType === 3 && nodeValue?.trim());
      if (holds_text && element.scrollHeight > element.clientHeight + 4 && style.display !== 'inline')
        found.push(`higher than its box: ${name(element)}`);
    }
    return [...new Set(found)];
  });
}
