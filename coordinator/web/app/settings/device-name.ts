import type { DeviceInfo } from '../../store/push.ts';
import { deviceName } from '../../../../protocol/device-name.ts';

export { deviceName };

/** What the server needs to know of this device to notify it. */
export function deviceInfo(user_agent: string, locale: string): DeviceInfo {
  const name = (deviceName(user_agent) ?? user_agent).slice(0, 100) || 'Browser';
  return { name, language: locale.startsWith('de') ? 'de' : 'en' };
}
