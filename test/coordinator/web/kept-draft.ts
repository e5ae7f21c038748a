import type { Page } from 'playwright-core';
import { until } from '../../support/until.ts';

/** Waits until the device has stored a text that is being written. */
export async function draftIsKept(page: Page, text: string): Promise<void> {
  await until('the draft is kept', () => page.evaluate(isKept, text));
}

/** Waits until the device has no stored text with these words. */
export async function draftIsGone(page: Page, text: string): Promise<void> {
  await until('the draft is gone', async () => !(await page.evaluate(isKept, text)));
}

/** Runs in the page. */
async function isKept(wanted: string): Promise<boolean> {
  const opened = await result(indexedDB.open('errand'));
  const texts: string[] = await result(opened.transaction('texts').objectStore('texts').getAll());
  opened.close();
  return texts.some((kept) => kept.includes(wanted));

  function result<T>(request: IDBRequest<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      request.addEventListener('success', () => resolve(request.result));
      request.addEventListener('error', () => reject(request.error ?? new Error('The database cannot be read.')));
    });
  }
}
