/*
 * Times on the wall. A wall time is a number like `Date.now()`, of the moment at which a clock in UTC shows the same.
 */

const DAY_MS = 24 * 3600_000;
const MINUTE_MS = 60_000;
/** A name of a zone may be spelled in capitals or not, so there are more names than zones. */
const FORMATS_MAX = 1_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/** What the clocks of a zone show at an instant, to the minute. */
export function wallAt(time_zone: string, instant: number): number {
  const [month = 1, day = 1, year = 0, hour = 0, minute = 0] = formatOf(time_zone)
    .format(instant)
    .split(/\D+/)
    .map(Number);
  return Date.UTC(year, month - 1, day, hour, minute);
}

/**
 * The instant at which the clocks of a zone show a wall time: the first one, where they show it twice. Where they skip
 * it, the instant at which they go forward.
 */
export function instantOf(time_zone: string, wall: number): number {
  // The clocks change at most once between these two.
  const before = wall - wallOffset(time_zone, wall - DAY_MS);
  const after = wall - wallOffset(time_zone, wall + DAY_MS);
  const shown = [before, after].filter((instant) => wallAt(time_zone, instant) === wall);
  return shown.length > 0 ? Math.min(...shown) : firstShowing(time_zone, wall, Math.min(before, after) - DAY_MS);
}

/** How far the clocks of a zone are ahead of UTC at an instant. */
function wallOffset(time_zone: string, instant: number): number {
  return wallAt(time_zone, instant) - instant;
}

/** The first instant after `early` at which the clocks show this wall time or a later one. */
function firstShowing(time_zone: string, wall: number, early: number): number {
  let [low, high] = [early, early + 3 * DAY_MS];
  while (high - low > MINUTE_MS) {
    const middle = low + Math.floor((high - low) / 2 / MINUTE_MS) * MINUTE_MS;
    if (wallAt(time_zone, middle) >= wall) high = middle;
    else low = middle;
  }
  return high;
}

function formatOf(time_zone: string): Intl.DateTimeFormat {
  const known = formats.get(time_zone);
  if (known) return known;
  const parts = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric' } as const;
  const made = new Intl.DateTimeFormat('en-US', { timeZone: time_zone, hourCycle: 'h23', ...parts });
  if (formats.size >= FORMATS_MAX) formats.clear();
  formats.set(time_zone, made);
  return made;
}
