import { BASE } from './routes.ts';

/** A sign-in that this browser has begun elsewhere, and what it is for. `app`: the owner makes a GitHub App. */
export type PendingSignIn = { flow: string; purpose: 'sign_in' | 'link' | 'app' };

/** Another server may be at another path of the same host. */
const KEY = `errand sign-in ${BASE}`;
const PURPOSES: readonly string[] = ['sign_in', 'link', 'app'];

/** Keeps it while the browser is away. */
export function keepSignIn(pending: PendingSignIn): void {
  localStorage.setItem(KEY, JSON.stringify(pending));
}

/** Takes it out. Undefined: this browser has begun none. */
export function takeSignIn(): PendingSignIn | undefined {
  const text = localStorage.getItem(KEY);
  localStorage.removeItem(KEY);
  try {
    const pending = JSON.parse(text ?? 'null') as PendingSignIn | null;
    return pending && typeof pending.flow === 'string' && PURPOSES.includes(pending.purpose) ? pending : undefined;
  } catch {
    return undefined;
  }
}
