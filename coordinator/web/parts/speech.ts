import { chooseLanguage } from '../../../protocol/choose-language.ts';
import { speak } from '../strings/strings.ts';

/** The language of this person. */
export const locale = chooseLanguage(navigator.languages);
export const { t, format, is_whole } = await speak(locale);
