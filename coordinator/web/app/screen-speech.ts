import { locale } from '../parts/speech.ts';
import { speakOfScreens } from '../strings/screen-strings.ts';

/** The texts that only the screens beside the list need: none of the first view may import this. */
export const s = await speakOfScreens(locale);
