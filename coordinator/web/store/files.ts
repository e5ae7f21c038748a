import { signal } from '@preact/signals';
import type { Attachment } from '../../../protocol/attachments.ts';
import type { Client } from '../../client/client.ts';
import { incomplete } from '../../client/load-wire.ts';
import type { Kept } from './database.ts';
import { incomplete as missing } from './incomplete.ts';
import type { FileFault, KeptFile } from './kept-file.ts';
import { filesOfDraft } from './storage.ts';
import type * as tools from './file-tools.ts';

/** How many bytes of each file were sent, by its id. */
export type Progress = Readonly<Record<string, Pick<Attachment, 'name' | 'bytes'> & { sent: number }>>;

/** The files that wait on this device: with a draft, or in the outbox. */
export class Files {
  readonly #database: Kept;
  readonly #client: Client;
  /** What is being sent, or was. */
  readonly progress = signal<Progress>({});

  /** Counts how often the files of drafts have changed: each place that shows them reads them again. */
  readonly changes = signal(0);

  constructor(database: Kept, client: Client) {
    this.#database = database;
    this.#client = client;
  }

  /** Loads what keeps files, before one is picked. */
  prepare(): void {
    import('./file-tools.ts').catch(() => undefined);
  }

  /** Keeps a file of a draft. Resolves with it, or with why it was not taken. */
  async add(file: File, draft: string): Promise<KeptFile | FileFault> {
    const { keepFile } = await loadTools();
    const added = await keepFile(this.#database, file, draft);
    this.changes.value++;
    return added;
  }

  read(id: string): Promise<KeptFile | undefined> {
    return this.#database.use((db) => db.get('files', id));
  }

  /** The files of a draft, in the order in which they were added. */
  async ofDraft(draft: string): Promise<KeptFile[]> {
    return (await this.#database.use((db) => filesOfDraft(db, draft))) ?? [];
  }

  /** The files of a draft have gone on to the outbox. */
  async release(ids: readonly string[]): Promise<void> {
    // A device that is full cannot note it. What is in the outbox is with no draft, noted or not.
    for (const id of ids) await this.#noteReleased(id).catch(() => undefined);
    this.changes.value++;
  }

  async #noteReleased(id: string): Promise<void> {
    await this.#database.use(async (db) => {
      const { store, done } = db.transaction('files', 'readwrite');
      // In one step: it may have been sent meanwhile, and then it is here no more.
      const file = await store.get(id);
      delete file?.draft;
      if (file) void store.put(file);
      await done;
    });
  }

  async forget(ids: readonly string[]): Promise<void> {
    for (const id of ids) await this.#database.use((db) => db.delete('files', id));
    this.changes.value++;
  }

  /** Uploads files; one that is not here was uploaded before. */
  async upload(ids: readonly string[], signal: AbortSignal): Promise<void> {
    for (const id of ids) {
      const file = await this.read(id);
      if (!file) continue;
      const { name, bytes } = file;
      const show = (sent: number) => (this.progress.value = { ...this.progress.peek(), [id]: { name, bytes, sent } });
      const { uploadFile } = await loadTools();
      await uploadFile(this.#database, this.#client, file, show, signal);
    }
  }

  /** The bytes of an attachment: of this device, or from the server. */
  async blob({ id, media_type }: Attachment, own: AbortSignal): Promise<Blob | undefined> {
    const kept = await this.read(id);
    if (kept) return kept.blob;
    const headers = { authorization: `Bearer ${await this.#client.token()}` };
    const signal = AbortSignal.any([this.#client.signal, own]);
    const response = await fetch(`${this.#client.server}/attachments/${id}`, { headers, signal });
    return response.ok ? new Blob([await response.arrayBuffer()], { type: media_type }) : undefined;
  }
}

/** Loads what keeps and uploads files, which the app does without until there is one. */
function loadTools(): Promise<typeof tools> {
  return import('./file-tools.ts').catch((cause: unknown) => {
    missing.value = true;
    return incomplete(cause);
  });
}
