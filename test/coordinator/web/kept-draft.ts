import type { Page } from 'playwright-core';
import { until } from '../../support/until.ts';

/** Waits until the device has stored a text that is being written. */
export async function draftIsKept(page: Page, text: string): Promise<void> {
  const isKept = async (wanted: string): Promise<boolean> => {
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
  };
  // `waitForFunction` takes the promise of an async function for its answer.
  await until('the draft is kept', () => page.evaluate(isKept, text));
}
