import type { Page } from 'playwright-core';

/**
 * Leaves a page no room for what is put into this store of its database, or has one of these fields: a device may have
 * room for a short entry, and none for a file.
 */
export function refusePuts(page: Page, what: { store?: string; fields?: string[] }): Promise<void> {
  return page.evaluate(({ store, fields = [] }) => {
    // oxlint-disable-next-line typescript/unbound-method -- it is called with its `this`
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (value: Record<string, unknown>, ...key) {
      if (this.name === store || fields.some((field) => Boolean(value[field])))
        throw new DOMException('', 'QuotaExceededError');
      return put.call(this, value, ...key);
    };
  }, what);
}
