/** A key that signs, with the id that its tokens name. `retired_at` (ISO): since when a newer one signs. */
export type SigningKey = { id: string; key: Uint8Array; retired_at?: string | undefined };

/** The id of a key that was never rotated. Tokens without an id are from it. */
export const FIRST_KEY_ID = 'first';

/** The keys of one purpose: the newest signs, and an earlier one verifies what it has signed until that expires. */
export class KeyRing {
  #keys: readonly [SigningKey, ...SigningKey[]];

  constructor(newest: SigningKey, retired: readonly SigningKey[] = []) {
    this.#keys = [newest, ...retired];
  }

  get newest(): SigningKey {
    return this.#keys[0];
  }

  /** Takes over the keys of another ring: they were rotated. */
  replaceBy(other: KeyRing): void {
    this.#keys = other.#keys;
  }

  /** The key of this id, unless all that it has signed expired: its tokens live for `lifetime_ms`. */
  find(id: string | undefined, lifetime_ms: number, now: number): Uint8Array | undefined {
    const found = this.#keys.find((each) => each.id === (id ?? FIRST_KEY_ID));
    if (found?.retired_at !== undefined && now - Date.parse(found.retired_at) > lifetime_ms) return undefined;
    return found?.key;
  }
}
