import type { NewAccount } from '../../store/store.ts';

export type LinkCode = NewAccount | { kind: 'login'; code: string };

/** What a code consists of: shorter or longer ones are a mistake of whoever pastes. */
const CODE = /^[\w-]{16,100}$/;

/**
 * The code for the first account has 24 hexadecimal digits, others 32 characters of base64. A mistyped one is still
 * near that, with the letters that look like digits.
 */
const SETUP_CODE = /^[0-9a-foil]{20,28}$/i;

/** The code in the fragment of an address, without its `#`; undefined: it has none. */
export function codeInFragment(fragment: string): LinkCode | undefined {
  const given = new URLSearchParams(fragment);
  for (const kind of ['setup', 'invite', 'login'] as const) {
    const code = given.get(kind);
    if (code !== null) return { kind, code };
  }
  return undefined;
}

/**
 * The code of a link that a person pasted. White space is left out: a link that was copied from a terminal is wrapped.
 * A code alone is that of the first account or of a log-in link. Undefined: it is neither.
 */
export function parsePastedLink(text: string): LinkCode | undefined {
  const link = text.replaceAll(/\s/g, '');
  if (CODE.test(link)) return { kind: SETUP_CODE.test(link) ? 'setup' : 'login', code: link };
  const found = codeInFragment(link.slice(link.indexOf('#') + 1));
  return found && CODE.test(found.code) ? found : undefined;
}
