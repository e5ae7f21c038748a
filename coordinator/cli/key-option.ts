import { newId } from '../../protocol/new-id.ts';

/** The commands that have `KEY_OPTION`. */
export const TAKE_KEY: ReadonlySet<string> = new Set(['task', 'send', 'say', 'schedule run']);

/** Lets a script run a command again of which it does not know whether it was carried out. */
export const KEY_OPTION = {
  key: { type: 'string', placeholder: 'KEY', help: 'the same with the same key is done once, within seven days' },
} as const;

/** The key for the call: that which was given, else a new one. */
export function keyOf({ key = newId() }: { key?: string }): { idempotency_key: string } {
  return { idempotency_key: key };
}
