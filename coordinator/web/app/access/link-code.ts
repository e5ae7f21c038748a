import { signal } from '@preact/signals';
import type { NewAccount } from '../../store/store.ts';

type LinkCode = NewAccount | { kind: 'login'; code: string };

/**
 * The code of the link that brought the person here: for the first account, of an invitation, or to log in. It is in
 * the fragment, which no browser sends; it is taken out of the address at once, so that it stays in no history.
 * Undefined: there is none, or it was used or put aside.
 */
export const link = signal(takeCode());

function takeCode(): LinkCode | undefined {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const kind of ['setup', 'invite', 'login'] as const) {
    const code = given.get(kind);
    if (code === null) continue;
    history.replaceState(history.state, '', location.pathname + location.search);
    return { kind, code };
  }
  return undefined;
}
