import { signal } from '@preact/signals';
import { codeInFragment, type LinkCode } from './parse-link.ts';

/**
 * The code of the link that brought the person here: for the first account, of an invitation, or to log in. It is in
 * the fragment, which no browser sends; it is taken out of the address at once, so that it stays in no history.
 * Undefined: there is none, or it was used or put aside.
 */
export const link = signal(takeCode());

function takeCode(): LinkCode | undefined {
  const code = codeInFragment(location.hash.slice(1));
  if (code) history.replaceState(history.state, '', location.pathname + location.search);
  return code;
}
