import { de_owner } from './de-owner.ts';
import { de_pulls } from './de-pulls.ts';
import { en_owner } from './en-owner.ts';
import { en_pulls } from './en-pulls.ts';
import { languageOf } from './strings.ts';

const en = { owner: en_owner, pulls: en_pulls };
const de: typeof en = { owner: de_owner, pulls: de_pulls };

/** The texts of the screens beside the list, in the language `locale`. They come with these screens, after the first view. */
export function speakOfScreens(locale: string): typeof en {
  return languageOf(locale) === 'de' ? de : en;
}
