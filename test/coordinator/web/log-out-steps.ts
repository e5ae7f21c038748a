import type { Page } from 'playwright-core';

/** Logs out, from the settings. */
export async function confirmLogOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Log out' }).click();
}

/** How many rows the device keeps, of all tables. */
export const kept = (page: Page): Promise<number> =>
  page.evaluate(async () => {
    const opened = indexedDB.open('errand');
    await new Promise((resolve) => (opened.onsuccess = resolve));
    const db = opened.result;
    const tables = [...db.objectStoreNames];
    const change = db.transaction(tables);
    const counts = tables.map((name) => change.objectStore(name).count());
    await new Promise((resolve) => (change.oncomplete = resolve));
    db.close();
    return counts.reduce((sum, { result }) => sum + result, 0);
  });
