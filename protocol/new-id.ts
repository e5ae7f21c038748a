const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_LENGTH = 10;
const RANDOM_LENGTH = 10;

/** The newest id of this process: one made in the same millisecond is the next in order. */
let newest = '';

/**
 * Makes a new id. Ids that a process makes sort in the order of their making, also within a millisecond. `now`:
 * milliseconds since 1970.
 */
export function newId(now: number = Date.now()): string {
  let time = '';
  for (let rest = now, i = 0; i < TIME_LENGTH; i++) {
    time = ALPHABET.charAt(rest % 32) + time;
    rest = Math.floor(rest / 32);
  }
  newest = newest.startsWith(time)
    ? time + following(newest.slice(TIME_LENGTH))
    : time + randomCharacters(RANDOM_LENGTH);
  return newest;
}

/** A new id that sorts after another one, whatever the time is. */
export function idAfter(id: string): string {
  const made_at = Array.from(id.slice(0, TIME_LENGTH)).reduce((time, digit) => time * 32 + ALPHABET.indexOf(digit), 0);
  return newId(made_at + 1);
}

/** The next text in the order of the alphabet. After the last of all comes a random one. */
function following(text: string): string {
  const head = text.replace(/z+$/, '');
  if (head === '') return randomCharacters(RANDOM_LENGTH);
  const next = ALPHABET.charAt(ALPHABET.indexOf(head.slice(-1)) + 1);
  return (head.slice(0, -1) + next).padEnd(RANDOM_LENGTH, ALPHABET.charAt(0));
}

/**
 * Returns random characters of the alphabet of ids, 5 bits each. They are safe in paths, host names and container
 * names.
 */
export function randomCharacters(count: number): string {
  let text = '';
  for (const byte of crypto.getRandomValues(new Uint8Array(count))) text += ALPHABET.charAt(byte % 32);
  return text;
}
