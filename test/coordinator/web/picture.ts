import type { Page } from 'playwright-core';
export async function picture(page: Page, name: string): Promise<void> {
  const dir = process.env['PICTURES'];
  if (!dir) return;
  for (const [size, w, h] of [
    ['phone', 390, 844],
    ['desk', 1280, 800],
  ] as const)
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width: w, height: h });
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: `${dir}/${name}-${size}-${colorScheme}.png` });
    }
  await page.setViewportSize({ width: 390, height: 844 });
}
