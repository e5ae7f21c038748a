import { signal } from '@preact/signals';

/** What Chromium offers instead of a browser's own menu: `prompt` asks the person to install the app. */
type InstallOffer = Event & { prompt: () => Promise<unknown> };

export const install_offer = signal<InstallOffer | undefined>(undefined);

/**
 * Keeps the browser's offer to install the app. It comes once, soon after the start: call this before anything waits.
 */
export function keepInstallOffer(): void {
  addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault();
    install_offer.value = event as InstallOffer;
  });
}
