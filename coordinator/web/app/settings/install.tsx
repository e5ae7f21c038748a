import { signal } from '@preact/signals';
import type { JSX } from 'preact';
import { isInstalled, isIos } from '../../store/ios.ts';
import { s } from '../screen-speech.ts';

/** What Chromium offers instead of a browser's own menu. */
type InstallOffer = Event & { prompt: () => Promise<unknown> };

const offer = signal<InstallOffer | undefined>(undefined);

// The browser offers it once, soon after the start.
addEventListener('beforeinstallprompt', (event) => {
  event.preventDefault();
  offer.value = event as InstallOffer;
});

/** How to put the app on the home screen, for who has not done so. */
export function Install(): JSX.Element | null {
  const prompt = offer.value;
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
