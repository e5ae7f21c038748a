/**
 * The one-time code for the first account, from the link that the server printed. It is in the fragment, which no
 * browser sends; it is taken out of the address at once, so that it stays in no history.
 */
export const SETUP = takeCode();

function takeCode(): string | undefined {
  const code = new URLSearchParams(location.hash.slice(1)).get('setup') ?? undefined;
  if (code !== undefined) history.replaceState(history.state, '', location.pathname + location.search);
  return code;
}
