import type { SettingInForce } from '../../protocol/server.ts';
import { SECRET_SETTINGS, SETTING_GROUPS, Settings } from './settings.ts';

/** The user name and password in an address, which other programs allow there. */
const CREDENTIALS = /\/\/[^/@\s]*@/g;

/**
 * All settings as the server runs by them, and where each comes from. `given`: the environment without empty variables.
 */
export function settingsInForce(given: Readonly<Record<string, unknown>>): SettingInForce[] {
  return Object.entries(SETTING_GROUPS).flatMap(([group, names]) =>
    names.map((name): SettingInForce => {
      const field = Settings.shape[name as keyof typeof Settings.shape];
      const is_given = given[name] !== undefined;
      const secret = SECRET_SETTINGS.has(name);
      const value = is_given ? given[name] : field.parse(undefined);
      return {
        name,
        group,
        meaning: field.description ?? '',
        value: secret ? null : textOf(value),
        source: is_given ? 'environment' : 'default',
        secret,
      };
    }),
  );
}

/** A value as one would write it in the environment; null: it is not set. */
function textOf(value: unknown): string | null {
  const text = Array.isArray(value) ? value.join(',') : value;
  if (typeof text === 'number' || typeof text === 'boolean') return String(text);
  return typeof text !== 'string' || text === '' ? null : text.replace(CREDENTIALS, '//…@');
}
