import { effect, signal } from '@preact/signals';
import { BASE } from '../../store/routes.ts';
import { codeInFragment, type LinkCode } from './parse-link.ts';

/** Another server may be at another path of the same host. */
const KEY = `errand link ${BASE}`;

/**
 * The code of the link that brought the person here: for the first account, of an invitation, or to log in. It is in
 * the fragment, which no browser sends; it is taken out of the address at once, so that it stays in no history.
 * Undefined: there is none, or it was used or put aside.
 */
export const link = signal(takeCode());

// Who makes an account fetches a password elsewhere meanwhile, and a phone may discard the page.
effect(() => keep(link.value?.kind === 'login' ? undefined : link.value));

function takeCode(): LinkCode | undefined {
  const code = codeInFragment(location.hash.slice(1));
  if (code) history.replaceState(history.state, '', location.pathname + location.search);
  return code ?? kept();
}

/** A browser without storage says so elsewhere. */
function kept(): LinkCode | undefined {
  try {
    return codeInFragment(sessionStorage.getItem(KEY) ?? '');
  } catch {
    return undefined;
  }
}

function keep(code: LinkCode | undefined): void {
  try {
    if (code) sessionStorage.setItem(KEY, `${new URLSearchParams({ [code.kind]: code.code })}`);
    else sessionStorage.removeItem(KEY);
  } catch {
    // It lasts until the page is left.
  }
}
