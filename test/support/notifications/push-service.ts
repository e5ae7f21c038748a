import { createECDH, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import type { ExecutionContext } from 'ava';
import { PushBody } from '../../../protocol/notifications.ts';
import { decryptPush } from './decrypt.ts';
import { PATIENT } from '../patient-server.ts';

export type Received = { path: string; headers: IncomingHttpHeaders; body: Buffer };
type Reply = { status: number; headers?: Record<string, string>; body?: string };

/** A server on loopback that takes what is posted to it: a push service, a webhook, or ntfy. */
export class Receiver {
  readonly url: string;
  /** The requests so far, oldest first. */
  readonly received: Received[] = [];
  /** What it answers; by default 201. */
  reply: (request: Received) => Reply | Promise<Reply> = () => ({ status: 201 });

  static async start(t: Pick<ExecutionContext, 'teardown'>): Promise<Receiver> {
    const http = createServer(PATIENT);
    await once(http.listen(0, '127.0.0.1'), 'listening');
    const receiver = new Receiver(`http://127.0.0.1:${(http.address() as AddressInfo).port}`);
    http.on('request', (request, response) => {
      void buffer(request).then(async (body) => {
        const received = { path: request.url ?? '', headers: request.headers, body };
        receiver.received.push(received);
        const { status, headers = {}, body: text = '' } = await receiver.reply(received);
        response.writeHead(status, headers).end(text);
      });
    });
    t.teardown(() => {
      http.closeAllConnections();
      http.close();
    });
    return receiver;
  }

  private constructor(url: string) {
    this.url = url;
  }

  /** A browser's subscription here. */
  subscribe(): Subscription {
    return new Subscription(this);
  }
}

/** A subscription, with the keys that only its browser has. */
export class Subscription {
  readonly #keys = createECDH('prime256v1');
  readonly #auth = randomBytes(16);
  readonly #receiver: Receiver;
  readonly path = `/push/${randomBytes(8).toString('hex')}`;

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
    this.#keys.generateKeys();
  }

  /** As `PushSubscription.toJSON()` gives it. */
  get json() {
    const keys = { p256dh: this.#keys.getPublicKey('base64url'), auth: this.#auth.toString('base64url') };
    return { endpoint: this.#receiver.url + this.path, keys };
  }

  /** What was sent to it so far, decrypted. */
  get messages(): PushBody['notification'][] {
    return this.#receiver.received
      .filter(({ path }) => path === this.path)
      .map(({ body }) => PushBody.parse(JSON.parse(decryptPush(body, this.#keys, this.#auth))).notification);
  }
}
