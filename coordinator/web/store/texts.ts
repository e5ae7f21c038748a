import type { Kept } from './database.ts';
import { given, type Give } from './written.ts';

/** What shows a stored text. */
type Field = {
  key: string;
  /** `next`: what the text of the field becomes. `kept`: what the stored one has become. */
  onGive: (next: (text: string) => string, kept: string) => void;
  /** Another window has written it. */
  onWrite: () => void;
};
/** A stored text that `give` has made to `kept`. */
export type GivenText = { key: string; give: Give; kept: string };
/** A text that a window has written. */
type WrittenText = { key: string };
type TextTable = {
  get: (key: string) => Promise<string | undefined>;
  put: (text: string, key: string) => unknown;
  delete: (key: string) => unknown;
};

/** Changes a text inside of a transaction. */
export async function giveText(table: TextTable, key: string, give: Give): Promise<GivenText> {
  const kept = given((await table.get(key)) ?? '', give);
  void (kept === '' ? table.delete(key) : table.put(kept, key));
  return { key, give, kept };
}

/** Small texts of the person: what is half written, what was viewed. An empty one is removed. */
export class Texts {
  readonly #database: Kept;
  readonly #fields = new Set<Field>();
  /** What changes stored texts now. What a field saves meanwhile does not have that change yet: it waits in `#late`. */
  readonly #gives = new Set<Promise<unknown>>();
  readonly #late = new Map<string, string>();
  #windows: BroadcastChannel | undefined;

  constructor(database: Kept) {
    this.#database = database;
  }

  /**
   * Tells the other windows of this device what is given and written here, and hears of theirs, until `stop`.
   * `onGiven`: one of them gave something.
   */
  start(onGiven: () => void = () => undefined): void {
    // Windows of an older app listen to `texts`, and take no text that is written for one that is given.
    this.#windows = new BroadcastChannel(`${this.#database.name} fields`);
    this.#windows.addEventListener('message', ({ data }: MessageEvent<GivenText | WrittenText>) => {
      if ('give' in data) {
        this.#show(data);
        onGiven();
      } else for (const field of this.#fields) if (field.key === data.key) field.onWrite();
    });
  }

  stop(): void {
    this.#windows?.close();
    this.#windows = undefined;
  }

  async read(key: string): Promise<string | undefined> {
    // What waits is stored first.
    await this.#given();
    return this.#database.use((db) => db.get('texts', key));
  }

  async keys(): Promise<string[]> {
    return (await this.#database.use((db) => db.getAllKeys('texts'))) ?? [];
  }

  async write(key: string, text: string): Promise<void> {
    if (this.#gives.size === 0 && !this.#late.has(key)) return this.#put(key, text);
    this.#late.set(key, text);
    await this.#given();
    const latest = this.#late.get(key);
    this.#late.delete(key);
    if (latest !== undefined) await this.#put(key, latest);
  }

  /** Changes a stored text, and the fields in which it is shown. */
  give(key: string, give: Give): Promise<void> {
    return this.giveAll([[key, give]]);
  }

  /** The same with several texts, in one step. */
  giveAll(gives: readonly (readonly [key: string, give: Give])[]): Promise<void> {
    return this.giving(async () => {
      const changed = await this.#database.use(async (db) => {
        const { store, done } = db.transaction('texts', 'readwrite');
        const made: GivenText[] = [];
        for (const [key, give] of gives) made.push(await giveText(store, key, give));
        await done;
        return made;
      });
      changed?.forEach((each) => this.tell(each));
    });
  }

  /** Runs `act`, which changes stored texts and then calls `tell`. What is written meanwhile gets the change too. */
  async giving<T>(act: () => Promise<T>): Promise<T> {
    const mine = act();
    this.#gives.add(mine);
    try {
      return await mine;
    } finally {
      this.#gives.delete(mine);
    }
  }

  /** Shows a text that was changed in the fields that it is in, of all windows. */
  tell(changed: GivenText): void {
    this.#show(changed);
    this.#windows?.postMessage(changed);
  }

  /** Hears what becomes of a text elsewhere, until the returned function is called. */
  follow(field: Field): () => void {
    this.#fields.add(field);
    return () => void this.#fields.delete(field);
  }

  #show({ key, give, kept }: GivenText): void {
    const next = (text: string): string => given(text, give);
    const waits = this.#late.get(key);
    if (waits !== undefined) this.#late.set(key, next(waits));
    for (const field of this.#fields) if (field.key === key) field.onGive(next, kept);
  }

  async #given(): Promise<void> {
    while (this.#gives.size > 0) await Promise.allSettled(this.#gives);
  }

  async #put(key: string, text: string): Promise<void> {
    await this.#database.use(async (db) => {
      const change = db.transaction('texts', 'readwrite');
      const changed = text === '' ? change.store.delete(key) : change.store.put(text, key);
      // A page that is being left cannot answer any more: the browser need not ask it.
      change.commit();
      // Who hears of it reads after this: the steps of the database go in order.
      this.#windows?.postMessage({ key } satisfies WrittenText);
      await Promise.all([changed, change.done]);
    });
  }
}
