import { en, type Strings } from './en.ts';
import { Format } from './format.ts';

/**
 * The texts of each language. Others than English come only where they are read: the first view is the smaller for
 * it.
 */
const CATALOGUES: Record<string, () => Promise<Strings>> = {
  en: () => Promise.resolve(en),
  de: () => import('./de.ts').then(({ de }) => de),
};

/** The first of the person's languages that the app speaks. */
export function chooseLanguage(languages: readonly string[]): string {
  return languages.find((language) => languageOf(language) in CATALOGUES) ?? 'en';
}

/**
 * The texts of the app, and the format of numbers, in the language `locale`, such as `de-AT`. `is_whole`: false if its
 * texts could not be loaded, and these are the English ones.
 */
export async function speak(locale: string): Promise<{ t: Strings; format: Format; is_whole: boolean }> {
  const loaded = await CATALOGUES[languageOf(locale)]?.().catch(() => undefined);
  const t = loaded ?? en;
  return { t, format: new Format(locale, t.time.now), is_whole: loaded !== undefined };
}

/** The language of a locale: `de` of `de-AT`. */
export function languageOf(locale: string): string {
  return locale.split('-', 1)[0]?.toLowerCase() ?? 'en';
}
