import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Keys } from '../base/keys.ts';

/** 96 random bits: nobody finds it by guessing. */
const CODE_CHARS = 24;

/**
 * The one-time code for the first account, which owns the server. Restarts do not change it. Each database has another
 * one. `instance`: the id of the database.
 */
export function setupCode(keys: Keys, instance: string): string {
  return createHmac('sha256', keys.seal).update(`setup code of ${instance}`).digest('hex').slice(0, CODE_CHARS);
}

/** Whether the code is right, compared in constant time. */
export function isSetupCode(given: string, code: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(code));
}

/** The link for the first account. The code is in the fragment, which no client sends and no proxy logs. */
export function setupLink(url: string, code: string): string {
  return `${url}/#setup=${code}`;
}
