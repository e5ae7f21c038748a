import { signal } from '@preact/signals';
import type { Channel, ChannelCreate, ChannelCreated, ChannelPatch } from '../../../protocol/notifications.ts';
import type { Client } from '../../client/client.ts';
import { allChannels } from '../../client/lists.ts';
import { isIos } from './ios.ts';
import { BASE } from './routes.ts';

/** Whether this device is notified, and if not, why. `unknown`: the server was not asked yet, or is away. */
export type PushState = 'on' | 'off' | 'denied' | 'needs_home_screen' | 'needs_https' | 'unsupported' | 'unknown';

/** What names the device, and the language of its notifications. */
export type DeviceInfo = { name: string; language: 'en' | 'de' };

/** Small texts that the device keeps for the person. */
type Texts = {
  read: (key: string) => Promise<string | undefined>;
  write: (key: string, text: string) => Promise<void>;
};
/** Kept while the person wants to be notified on this device. */
const WANTED = 'push';

const UNSUBSCRIBE_MS = 3_000;
/** How often a device repeats what it shows. */
const PRESENCE_MS = 20_000;

/** The notifications of this device, and where else the person is notified. */
export class Push {
  readonly state = signal<PushState>('unknown');
  /** All channels, newest first; undefined until they were read. */
  readonly channels = signal<readonly Channel[] | undefined>(undefined);
  readonly #client: Client;
  readonly #texts: Texts;
  #shows: string | null = null;
  #told: string | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;
  /** Undefined: it was not begun, or the server was away. */
  #begun: Promise<void> | undefined;

  constructor(client: Client, texts: Texts) {
    this.#client = client;
    this.#texts = texts;
  }

  /**
   * Reads how it stands. A device that is notified subscribes again: browsers change subscriptions by themselves.
   * Rejects if the server is away: call it again when it is back. Once it has succeeded a further call does nothing.
   */
  async start(info: DeviceInfo): Promise<void> {
    this.#timer ??= setInterval(() => this.#tellPresence(true), PRESENCE_MS);
    document.addEventListener('visibilitychange', this.#onVisibility);
    this.#begun ??= this.#begin(info);
    try {
      await this.#begun;
    } catch (error) {
      this.#begun = undefined;
      throw error;
    }
  }

  async #begin(info: DeviceInfo): Promise<void> {
    await this.refresh();
    const wanted = (await this.#texts.read(WANTED)) !== undefined;
    if (wanted && !hindranceOf() && Notification.permission === 'granted') await this.#subscribe(info);
    this.#tellPresence();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#begun = undefined;
    document.removeEventListener('visibilitychange', this.#onVisibility);
  }

  async refresh(): Promise<void> {
    const hindrance = hindranceOf();
    if (hindrance) this.state.value = hindrance;
    this.channels.value = await allChannels(this.#client);
    if (!hindrance) this.state.value = this.own ? 'on' : 'off';
  }

  /** The channel of this device. */
  get own(): Channel | undefined {
    return this.channels.value?.find(({ current }) => current);
  }

  /** Call it in a touch: the browser asks the person. */
  async turnOn(info: DeviceInfo): Promise<void> {
    if ((await Notification.requestPermission()) !== 'granted') {
      this.state.value = hindranceOf() ?? 'off';
      return;
    }
    await this.#subscribe(info);
    await this.#texts.write(WANTED, 'yes');
  }

  async turnOff(): Promise<void> {
    const { own } = this;
    await this.#texts.write(WANTED, '');
    const unsubscribed = unsubscribe();
    if (own) await this.remove(own.id);
    else await this.refresh();
    await unsubscribed;
  }

  /** Adds a webhook or a topic. */
  async add(body: ChannelCreate): Promise<ChannelCreated> {
    const added = await this.#client.call('createChannel', { body });
    await this.refresh();
    return added;
  }

  async change(id: string, body: ChannelPatch): Promise<void> {
    this.#put(await this.#client.call('patchChannel', { params: { id }, body }));
  }

  async test(id: string): Promise<void> {
    this.#put(await this.#client.call('testChannel', { params: { id } }));
  }

  async remove(id: string): Promise<void> {
    await this.#client.call('deleteChannel', { params: { id } });
    await this.refresh();
  }

  async isMuted(id: string): Promise<boolean> {
    return (await this.#client.call('getTaskNotifications', { params: { id } })).muted;
  }

  async mute(id: string, muted: boolean): Promise<void> {
    await this.#client.call('patchTaskNotifications', { params: { id }, body: { muted } });
  }

  /** The errand is on the screen, until the returned function is called. Its notifications go. */
  show(task_id: string): () => void {
    this.#shows = task_id;
    this.#tellPresence();
    void closeNotifications(task_id);
    return () => {
      if (this.#shows !== task_id) return;
      this.#shows = null;
      this.#tellPresence();
    };
  }

  readonly #onVisibility = (): void => {
    this.#tellPresence();
    if (document.visibilityState === 'visible' && this.#shows !== null) void closeNotifications(this.#shows);
  };

  /** Says what the screen shows, where that changed, or `again`. A lost one only costs a notification. */
  #tellPresence(again = false): void {
    const task_id = document.visibilityState === 'visible' ? this.#shows : null;
    const { own } = this;
    if (!own || (task_id === this.#told && !(again && task_id !== null))) return;
    this.#told = task_id;
    this.#client.call('putPresence', { params: { id: own.id }, body: { task_id } }).catch(() => undefined);
  }

  async #subscribe(info: DeviceInfo): Promise<void> {
    const { public_key } = await this.#client.call('getPushKey', {});
    const { subscribe } = await import('./push-subscription.ts');
    const { endpoint, keys } = (await subscribe(public_key)).toJSON();
    if (endpoint === undefined || keys?.p256dh === undefined || keys.auth === undefined) return;
    const { p256dh, auth } = keys;
    const app_url = new URL(`${BASE}/`, location.href).href;
    const body = { kind: 'push', ...info, app_url, subscription: { endpoint, keys: { p256dh, auth } } } as const;
    await this.#client.call('createChannel', { body });
    await this.refresh();
  }

  #put(channel: Channel): void {
    this.channels.value = this.channels.value?.map((each) => (each.id === channel.id ? channel : each));
  }
}

/** Why this device cannot be notified now. */
function hindranceOf(): PushState | undefined {
  if (!isSecureContext) return 'needs_https';
  if (!('serviceWorker' in navigator) || !('PushManager' in window) || !('Notification' in window)) {
    return isIos() ? 'needs_home_screen' : 'unsupported';
  }
  return Notification.permission === 'denied' ? 'denied' : undefined;
}

/**
 * Ends this device's subscription, so that nobody who logs in here later gets what is sent to it. The browser asks its
 * push service, which may fail or take long: nothing waits for it for longer than this, since the server is told too.
 */
export async function unsubscribe(): Promise<void> {
  const late = new Promise<void>((resolve) => setTimeout(resolve, UNSUBSCRIBE_MS));
  await Promise.race([endSubscription().catch(() => undefined), late]);
}

async function endSubscription(): Promise<void> {
  const { serviceWorker } = navigator as Partial<Navigator>;
  const registration = await serviceWorker?.getRegistration();
  // Safari in a tab has none.
  const { pushManager } = (registration ?? {}) as Partial<ServiceWorkerRegistration>;
  await (await pushManager?.getSubscription())?.unsubscribe();
}

/** Takes the notifications of an errand off the device: the person has seen it. */
async function closeNotifications(task_id: string): Promise<void> {
  const { serviceWorker } = navigator as Partial<Navigator>;
  const registration = await serviceWorker?.getRegistration();
  if (document.visibilityState !== 'visible') return;
  for (const each of (await registration?.getNotifications({ tag: `errand-${task_id}` })) ?? []) each.close();
}
