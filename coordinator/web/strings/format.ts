/** How a person writes numbers, times and money. */
export class Format {
  readonly #locale: string;
  readonly #now: string;
  /** One for each set of options: to make one takes a hundred times as long as to use it, and each row has some. */
  readonly #numbers = new Map<string, Intl.NumberFormat>();
  readonly #dates = new Map<string, Intl.DateTimeFormat>();

  /** `now`: the word for a time that has just been. */
  constructor(locale: string, now: string) {
    this.#locale = locale;
    this.#now = now;
  }

  /** A number of US dollars: cents only where they matter, tenths of a cent below one. */
  money(usd: number): string {
    const digits = usd > 0 && usd < 0.01 ? 4 : Number.isInteger(usd) ? 0 : 2;
    return this.#number({
      style: 'currency',
      currency: 'USD',
      currencyDisplay: 'narrowSymbol',
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }).format(usd);
  }

  number(value: number): string {
    return this.#number({}).format(value);
  }

  /** A size, such as `5 byte`, `3 kB` or `1.2 MB`. */
  bytes(count: number): string {
    const [value, unit] =
      count < 1e3
        ? [count, 'byte']
        : count < 1e6
          ? [Math.round(count / 1e3), 'kilobyte']
          : count < 1e9
            ? [count / 1e6, 'megabyte']
            : [count / 1e9, 'gigabyte'];
    const options = { style: 'unit', unit, maximumFractionDigits: 1 } as const;
    return this.#number(options).format(value);
  }

  /** A short duration, such as `0.4 s`, `40 s`, `3 min` or `2 h`. */
  duration(ms: number): string {
    const seconds = Math.max(0, ms) / 1000;
    if (seconds < 10) return this.#unit(Math.round(seconds * 10) / 10, 's');
    if (seconds < 90) return this.#unit(Math.round(seconds), 's');
    if (seconds < 90 * 60) return this.#unit(Math.round(seconds / 60), 'min');
    if (seconds < 36 * 3600) return this.#unit(Math.round(seconds / 3600), 'h');
    return this.#unit(Math.round(seconds / 86_400), 'day');
  }

  /** Minutes of a whole, such as `14 of 90 min` needs them. */
  minutes(ms: number): string {
    return this.#unit(Math.round(ms / 60_000), 'min');
  }

  /** How long ago a time was: `2 min`, `3 h`, then the weekday, then the date. */
  age(iso: string, now: number): string {
    const ms = now - Date.parse(iso);
    if (ms < 60_000) return this.#now;
    if (ms < 86_400_000) return this.duration(ms);
    const at = new Date(iso);
    return this.#date(ms < 6 * 86_400_000 ? { weekday: 'short' } : dayOf(at, now)).format(at);
  }

  /** A time of day; with its date if that is not today. */
  clock(time: string | number, now: number = Date.now()): string {
    const at = new Date(time);
    const today = at.toDateString() === new Date(now).toDateString();
    // By itself, since a locale may write the hour with another number of digits beside a day.
    const clock = this.#date({ timeStyle: 'short' }).format(at);
    return today ? clock : `${this.#date(dayOf(at, now)).format(at)}, ${clock}`;
  }

  /** The symbols of the SI are the same in each language; a day has none that everyone reads. */
  #unit(value: number, unit: 's' | 'min' | 'h' | 'day'): string {
    const day: Intl.NumberFormatOptions = { style: 'unit', unit, unitDisplay: 'long' };
    const options = { maximumFractionDigits: 1, ...(unit === 'day' && day) };
    const number = this.#number(options).format(value);
    return unit === 'day' ? number : `${number}\u00a0${unit}`;
  }

  /** A phone that travels has another time zone then, and what was made before keeps the one that it was made in. */
  #date(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
    const key = JSON.stringify([options, new Date().getTimezoneOffset()]);
    const made = this.#dates.get(key) ?? new Intl.DateTimeFormat(this.#locale, options);
    this.#dates.set(key, made);
    return made;
  }

  #number(options: Intl.NumberFormatOptions): Intl.NumberFormat {
    const key = JSON.stringify(options);
    const made = this.#numbers.get(key) ?? new Intl.NumberFormat(this.#locale, options);
    this.#numbers.set(key, made);
    return made;
  }
}

/** The day of a time, with its year if that is not this one. */
function dayOf(at: Date, now: number): Intl.DateTimeFormatOptions {
  const is_this_year = at.getFullYear() === new Date(now).getFullYear();
  return { day: 'numeric', month: 'short', ...(!is_this_year && { year: 'numeric' }) };
}
