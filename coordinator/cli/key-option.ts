import type { CallOptions } from '../client/http.ts';
import { given } from './command.ts';

/** The commands that have `KEY_OPTION`. */
export const TAKE_KEY: ReadonlySet<string> = new Set(['task', 'send', 'say', 'schedule run']);

/** Lets a script run a command again of which it does not know whether it was carried out. */
export const KEY_OPTION = {
  key: { type: 'string', placeholder: 'KEY', help: 'the same with the same key is done once, within seven days' },
} as const;

/** The key that was given, for the call; without one each call makes its own. */
export function keyOf({ key }: { key?: string }): CallOptions {
  return given({ idempotency_key: key });
}
