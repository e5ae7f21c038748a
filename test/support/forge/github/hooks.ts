import { createHmac, randomUUID } from 'node:crypto';
import type { App } from '../apps.ts';
import type { Webhook } from './operations.ts';
import { fillWebhook, merge, webhookFault, type Json } from './shapes.ts';

/** A webhook that was sent, and what it was answered; status null: nothing. */
export type SentHook = {
  id: string;
  event: string;
  headers: Record<string, string>;
  body: string;
  url: string;
  status: number | null;
};

/** Sends webhooks with signatures, as an app's hook. */
export class Hooks {
  /** All that were sent, oldest first. */
  readonly sent: SentHook[] = [];
  readonly #pending = new Set<Promise<void>>();

  /** The payload is checked by GitHub's description of it. Without an address nothing is sent. */
  send(app: App, webhook: Webhook, payload: Json): SentHook {
    const [event = '', action = ''] = webhook.split('.');
    const whole = merge(fillWebhook(webhook, {}), action === '' ? payload : { action, ...payload });
    const fault = webhookFault(webhook, whole);
    if (fault !== undefined) throw new Error(`${webhook}: ${fault}`);
    const body = JSON.stringify(whole);
    const id = randomUUID();
    const sent: SentHook = {
      id,
      event,
      headers: headersOf(app, id, event, body),
      body,
      url: app.hook_url ?? '',
      status: null,
    };
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

function headersOf(
  { id: app_id, webhook_secret }: App,
  id: string,
  event: string,
  body: string,
): Record<string, string> {
  const signed = (hash: string) => `${hash}=${createHmac(hash, webhook_secret).update(body).digest('hex')}`;
  return {
    accept: '*/*',
    'content-type': 'application/json',
    'user-agent': 'GitHub-Hookshot/0123456',
    'x-github-delivery': id,
    'x-github-event': event,
    'x-github-hook-id': String(app_id),
    'x-github-hook-installation-target-id': String(app_id),
    'x-github-hook-installation-target-type': 'integration',
    'x-hub-signature': signed('sha1'),
    'x-hub-signature-256': signed('sha256'),
  };
}
