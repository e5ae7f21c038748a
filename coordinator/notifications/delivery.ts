import type { Keys } from '../base/keys.ts';
import type { ChannelAnswer } from '../../protocol/notifications.ts';
import type { ChannelRow } from '../sqlite/channels.ts';
import { openAddress, type Address } from './address.ts';
import { answerToken } from './answers.ts';
import type { Message } from './message.ts';
import type { Answer, Poster } from './post.ts';
import type { PushKeys } from './push-keys.ts';
import { ntfyRequest, pushRequest, webhookRequest, type Outgoing } from './requests.ts';

type Dependencies = {
  keys: Keys;
  push_keys: PushKeys;
  poster: Poster;
  /** The address that people use; undefined: it is not known. */
  app_url: string | undefined;
  now: () => number;
};

/** A push service does not know the subscription any more: the app was removed, or its permission taken back. */
const GONE = new Set([404, 410]);
const TOO_LARGE = 413;

const UNREADABLE =
  'Its address was sealed with another keys.json than the server has: remove this channel, and add it again.';

/** Sends a message to a channel, in the form of its kind. */
export class Delivery {
  readonly #deps: Dependencies;

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  /** Sends it once, and a shorter form where that is too large. */
  async send(channel: ChannelRow, message: Message, stopped: AbortSignal): Promise<Answer> {
    const { keys, poster } = this.#deps;
    const address = openAddress(keys, channel);
    if (!address) return { status: null, detail: UNREADABLE, retry: false };
    const answer = await poster.post(await this.#request(channel, address, message), stopped);
    if (answer.status !== TOO_LARGE || address.kind === 'webhook') return answer;
    const shorter = { ...message, text: '', options: [] };
    return poster.post(await this.#request(channel, address, shorter), stopped);
  }

  #request(channel: ChannelRow, address: Address, message: Message): Outgoing | Promise<Outgoing> {
    const { keys, push_keys, app_url, now } = this.#deps;
    switch (address.kind) {
      case 'push': {
        const { need, task } = message;
        const asked = need && task && { channel_id: channel.id, task_id: task.id, need_id: need.id };
        const tokenFor = asked ? (value: string) => answerToken(keys, { ...asked, value }) : null;
        return pushRequest(address, message, push_keys, tokenFor);
      }
      case 'webhook':
        return webhookRequest(address, message, app_url, now());
      case 'ntfy':
        return ntfyRequest(address, message, app_url);
    }
  }
}

export function isDelivered({ status }: Answer): boolean {
  return status !== null && status >= 200 && status < 300;
}

/** Whether the channel is to be removed. */
export function isGone({ kind }: Pick<ChannelRow, 'kind'>, { status }: Answer): boolean {
  return kind === 'push' && status !== null && GONE.has(status);
}

/** What a person sees of an answer. */
export function shown(answer: Answer, at: string): ChannelAnswer {
  return { at, ok: isDelivered(answer), status: answer.status, detail: answer.detail };
}
