import type { Page } from 'playwright-core';

/** Waits until the device has stored a text that is being written. */
export async function draftIsKept(page: Page, text: string): Promise<void> {
  await page.waitForFunction(async (wanted) => {
    const opened = await result(indexedDB.open('errand'));
    const texts: unknown[] = await result(opened.transaction('texts').objectStore('texts').getAll());
    opened.close();
    return texts.some((kept) => JSON.stringify(kept).includes(wanted));

    function result<T>(request: IDBRequest<T>): Promise<T> {
      return new Promise((resolve, reject) => {
        request.addEventListener('success', () => resolve(request.result));
        request.addEventListener('error', () => reject(request.error ?? new Error('The database cannot be read.')));
      });
    }
  }, text);
}
