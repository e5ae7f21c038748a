import { chosen } from './without-schemas.ts';

const LANGUAGES = ['en', 'de'] as const;
/** A language that the app speaks. */
export type Language = (typeof LANGUAGES)[number];

/** The first of the person's languages that the app speaks. */
export function chooseLanguage(languages: readonly string[]): string {
  return languages.find((language) => chosen(LANGUAGES, primary(language)) !== undefined) ?? 'en';
}

/** The language of a locale: `de` of `de-AT`; English for what the app does not speak. */
export function languageOf(locale: string): Language {
  return chosen(LANGUAGES, primary(locale)) ?? 'en';
}

function primary(locale: string): string | undefined {
  return locale.split('-', 1)[0]?.toLowerCase();
}
