/**
 * Whether there is a password in an address, a token as the user name, or one in the query or the fragment. A short
 * user name is no secret: some forges include it in the addresses that they show.
 */
export function hasCredential({ username, password, searchParams, hash }: URL): boolean {
  return (
    password !== '' ||
    username.length >= 20 ||
    /(token|password)[^&]{0,100}=/i.test(hash) ||
    [...searchParams.keys()].some((key) => /token|password/i.test(key))
  );
}
