import { languageOf, type Language } from '../../../protocol/choose-language.ts';
import { en, type Strings } from './en.ts';
import { Format } from './format.ts';

/**
 * The texts of each language. Others than English come only where they are read: the first view is the smaller for
 * it.
 */
const CATALOGUES: Record<Language, () => Promise<Strings>> = {
  en: () => Promise.resolve(en),
  de: () => import('./de.ts').then(({ de }) => de),
};

/**
 * The texts of the app, and the format of numbers, in the language `locale`, such as `de-AT`. `is_whole`: false if its
 * texts could not be loaded, and these are the English ones.
 */
export async function speak(locale: string): Promise<{ t: Strings; format: Format; is_whole: boolean }> {
  const loaded = await CATALOGUES[languageOf(locale)]().catch(() => undefined);
  const t = loaded ?? en;
  return { t, format: new Format(locale, t.time.now), is_whole: loaded !== undefined };
}
