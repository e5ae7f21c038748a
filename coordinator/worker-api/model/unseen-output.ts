/** More than any model writes in a second. */
const TOKENS_PER_SECOND_MAX = 300;
/** What a model may have written that had not arrived yet. Most whole answers are shorter. */
const TOKENS_AHEAD_MAX = 4_000;

/**
 * The most tokens of an answer whose end was not seen. `seconds`: how long the model may have been writing, perhaps
 * thoughts that the API does not show. `seen`: the bytes of text that arrived, since no token is shorter than a byte.
 * To charge for all of `max_tokens` would be safe as well, but a task whose connection breaks a few times would run
 * out of budget that nobody spent.
 */
export function unseenOutput(seconds: number, seen: number, max_tokens: number): number {
  const written = Math.max(Math.ceil(Math.max(0, seconds) * TOKENS_PER_SECOND_MAX), seen);
  return Math.min(max_tokens, written + TOKENS_AHEAD_MAX);
}
