import type { ExecutionContext } from 'ava';
import type { Session } from '../../../protocol/accounts.ts';
import type { ChannelCreate } from '../../../protocol/notifications.ts';
import type { Api } from '../api.ts';
import { startApi, type StartedApi } from '../start-api.ts';
import { LivelyErrand } from '../web/lively-errand.ts';
import { Receiver, type Subscription } from './push-service.ts';

export type Device = { id: string; subscription: Subscription };

export type NotifyScene = {
  server: StartedApi;
  receiver: Receiver;
  api: Api;
  session: Session;
  /** Registers the device of a log-in. */
  device: (api: Api, more?: Partial<Extract<ChannelCreate, { kind: 'push' }>>) => Promise<Device>;
  /** A new errand at work. */
  errand: (prompt?: string, project_id?: string) => Promise<LivelyErrand>;
};

export const PUBLIC_URL = 'https://errand.example.org';

/** A server that may reach this machine, a person, and what receives their notifications. */
export async function notifyScene(t: ExecutionContext, env: Record<string, string> = {}): Promise<NotifyScene> {
  const receiver = await Receiver.start(t);
  const server = await startApi(t, { ERRAND_PRIVATE_HOSTS: '127.0.0.1', ERRAND_PUBLIC_URL: PUBLIC_URL, ...env });
  const { api, session } = await server.person();
  const device: NotifyScene['device'] = async (from, more = {}) => {
    const subscription = receiver.subscribe();
    const kind = { kind: 'push', name: 'Phone', subscription: subscription.json, app_url: PUBLIC_URL } as const;
    const { id } = await from.call('createChannel', { body: { ...kind, ...more } });
    return { id, subscription };
  };
  const errand: NotifyScene['errand'] = async (prompt = 'Mend the test.', project_id) => {
    const where = project_id === undefined ? { repo_url: 'errand://sample' } : { project_id };
    const body = { prompt, ...where };
    const errand = new LivelyErrand(server, await api.call('createTask', { body }));
    errand.begin();
    return errand;
  };
  return { server, receiver, api, session, device, errand };
}
