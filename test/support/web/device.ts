import type { ExecutionContext } from 'ava';
import { Client, type ClientOptions } from '../../../coordinator/client/client.ts';
import { toStored } from '../../../coordinator/client/session.ts';
import { Live, type LiveState } from '../../../coordinator/client/sync/live.ts';
import { Mirror } from '../../../coordinator/client/sync/mirror.ts';
import { Outbox } from '../../../coordinator/client/sync/outbox.ts';
import type { Session } from '../../../protocol/accounts.ts';
import { until } from '../until.ts';
import { MemoryDevice } from './memory-storage.ts';

/** A device with the client library, without a screen. */
export type Device = {
  storage: MemoryDevice;
  client: Client;
  mirror: Mirror;
  outbox: Outbox;
  live: Live;
  states: LiveState[];
  /** Resolves when it is live. */
  isLive: () => Promise<unknown>;
  /** Ends its process: nothing but what it stored is left. */
  close: () => Promise<void>;
};

/** Starts the client library on a device, until the test ends. */
export async function startDevice(
  t: ExecutionContext,
  storage: MemoryDevice,
  options: Omit<ClientOptions, 'signal'> = {},
): Promise<Device> {
  const stop = new AbortController();
  const client = await Client.open(storage.session, { ...options, signal: stop.signal });
  const states: LiveState[] = [];
  const mirror = new Mirror(client, storage.mirror, () => undefined);
  const outbox = new Outbox(client, storage.outbox, {
    changed: () => undefined,
    task: (task) => mirror.put(task),
  });
  const live = new Live(client, mirror, (state) => {
    states.push(state);
    if (state.kind === 'live') void outbox.flush();
  });
  await mirror.load();
  await outbox.load();
  live.start();
  const close = async (): Promise<void> => {
    stop.abort();
    await live.stop();
  };
  t.teardown(close);
  const isLive = () => until('the device is live', () => states.at(-1)?.kind === 'live');
  return { storage, client, mirror, outbox, live, states, isLive, close };
}

/** A device that is logged in to the server at `url`. */
export function newDevice(t: ExecutionContext, url: string, session: Session): Promise<Device> {
  return startDevice(t, new MemoryDevice(toStored(url, session)));
}
