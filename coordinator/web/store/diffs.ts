import type { Signal } from '@preact/signals';
import type { Diff } from '../../../protocol/api.ts';
import type { Client } from '../../client/client.ts';
import { unlessFull, withoutBefore, type Kept } from './database.ts';
import { diffStorage } from './storage.ts';

/** The changes of errands, as this device has seen them. */
export class Diffs {
  readonly #seen: ReturnType<typeof diffStorage>;
  readonly #client: Client;
  readonly #full: Signal<boolean>;

  /** `full`: the device has no room for what is new. */
  constructor(database: Kept, client: Client, full: Signal<boolean>) {
    this.#seen = diffStorage(database);
    this.#client = client;
    this.#full = full;
  }

  /**
   * The diff of an errand in a repository, or its first: from the server, or what this device has of it. `before`: the
   * one that was looked at before it, on this device. A version counts as one look, however often it is opened: a phone
   * that ends the app does not take the marks with it.
   */
  async read(id: string, repository: string | undefined, onDiff: (diff: Diff, before?: Diff) => void): Promise<void> {
    const kept = await this.#seen.read(id, repository);
    if (kept) onDiff(kept, kept.before);
    const fresh = await this.#client.call('getDiff', { params: { id }, query: { repository, context: 'all' } });
    if (fresh.diff === kept?.diff) return;
    const before = kept && withoutBefore(kept);
    onDiff(fresh, before);
    await unlessFull(this.#seen.write(id, { ...fresh, ...(before && { before }) }, repository), this.#full);
  }
}
