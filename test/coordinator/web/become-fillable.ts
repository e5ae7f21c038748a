/** A page of a device that can be filled up: with `full` in its local storage it stores nothing more. */
export function becomeFillable(): void {
  // oxlint-disable-next-line typescript/unbound-method -- it is called with its `this`
  const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (...given) {
    if (localStorage.getItem('full') !== null) throw new DOMException('', 'QuotaExceededError');
    return put.apply(this, given);
  };
}
