import type { JSX } from 'preact';
import { install_offer } from '../../store/install-offer.ts';
import { isInstalled, isIos } from '../../store/ios.ts';
import { s } from '../screen-speech.ts';

/** How to put the app on the home screen, for who has not done so. */
export function Install(): JSX.Element | null {
  const prompt = install_offer.value;
  if (isInstalled() || (!prompt && !isIos())) return null;
  const ask = (): void => {
    // It asks once: a browser that was refused makes another offer.
    install_offer.value = undefined;
    void prompt?.prompt();
  };
  return (
    <>
      <h2>{s.settings.install}</h2>
      {prompt ? (
        <button type="button" class="choice" onClick={ask}>
          {s.settings.install_button}
        </button>
      ) : (
        <p>{s.settings.install_ios}</p>
      )}
    </>
  );
}
