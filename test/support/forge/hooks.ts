/** A webhook that was sent, and what it was answered; status null: nothing. */
export type SentHook = {
  id: string;
  event: string;
  headers: Record<string, string>;
  body: string;
  url: string;
  status: number | null;
};

/** The webhooks of a forge. */
export class Hooks {
  /** All that were sent, oldest first. */
  readonly sent: SentHook[] = [];
  readonly #pending = new Set<Promise<void>>();

  /** Notes a webhook, and sends it if it has an address. */
  send(hook: Omit<SentHook, 'status'>): SentHook {
    const sent: SentHook = { ...hook, status: null };
    this.sent.push(sent);
    this.#start(sent);
    return sent;
  }

  /** Sends one once more, with the same id. */
  redeliver(sent: SentHook): Promise<void> {
    this.#start(sent);
    return this.settled();
  }

  /** Resolves when all have been answered. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  #start(sent: SentHook): void {
    if (sent.url === '') return;
    const { url, headers, body } = sent;
    const sending = fetch(url, { method: 'POST', headers, body, redirect: 'manual' })
      .then(async (response) => {
        await response.arrayBuffer();
        sent.status = response.status;
      })
      .catch(() => {})
      .finally(() => this.#pending.delete(sending));
    this.#pending.add(sending);
  }
}
