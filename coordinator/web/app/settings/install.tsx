import type { JSX } from 'preact';
import { install_offer } from '../../store/install-offer.ts';
import { isInstalled, isIos } from '../../store/ios.ts';
import { s } from '../screen-speech.ts';

/** How to put the app on the home screen, for who has not done so. */
export function Install(): JSX.Element | null {
  const prompt = install_offer.value;
  if (isInstalled() || (!prompt && !isIos())) return null;
  return (
    <>
      <h2>{s.settings.install}</h2>
      {prompt ? (
        <button type="button" class="choice" onClick={() => void prompt.prompt()}>
          {s.settings.install_button}
        </button>
      ) : (
        <p>{s.settings.install_ios}</p>
      )}
    </>
  );
}
