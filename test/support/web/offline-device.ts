import type { ExecutionContext } from 'ava';
import { startCuttingProxy } from '../cutting-proxy.ts';
import { sendErrand } from '../send-errand.ts';
import { startApi } from '../start-api.ts';
import { newDevice } from './device.ts';
import { LivelyErrand } from './lively-errand.ts';

/** An errand at work, and a device that has just lost its network. */
export async function startOffline(t: ExecutionContext) {
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  const device = await newDevice(t, network.url, session);
  await device.isLive();
  network.offline = true;
  network.cut();
  return { api, errand, network, device };
}
