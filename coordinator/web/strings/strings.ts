import { de } from './de.ts';
import { en, type Strings } from './en.ts';
import { Format } from './format.ts';

const CATALOGUES: Record<string, Strings> = { en, de };

/** The first of the person's languages that the app speaks. */
export function chooseLanguage(languages: readonly string[]): string {
  return languages.find((language) => languageOf(language) in CATALOGUES) ?? 'en';
}

/** The texts of the app, and the format of numbers, in the language `locale`, such as `de-AT`. */
export function speak(locale: string): { t: Strings; format: Format } {
  const t = CATALOGUES[languageOf(locale)] ?? en;
  return { t, format: new Format(locale, t.time.now) };
}

/** The language of a locale: `de` of `de-AT`. */
export function languageOf(locale: string): string {
  return locale.split('-', 1)[0]?.toLowerCase() ?? 'en';
}
