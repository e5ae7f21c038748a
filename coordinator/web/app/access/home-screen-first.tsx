import type { JSX } from 'preact';
import { useStore } from '../../parts/context.ts';
import { CopyLink } from '../../parts/copy-link.tsx';
import { Logo } from '../../parts/logo.tsx';
import { s } from '../screen-speech.ts';

type HomeScreenFirstProps = { code: string; onBrowser: () => void };

/**
 * On iOS a link opens in Safari, whose log-ins the app on the home screen does not share: says so before it is used
 * up.
 */
export function HomeScreenFirst({ code, onBrowser }: HomeScreenFirstProps): JSX.Element {
  const link = `${useStore().server}/#login=${encodeURIComponent(code)}`;
  return (
    <main class="access">
      <div class="access-card">
        <Logo />
        <h1>{s.settings.home_title}</h1>
        <p class="lead">{s.settings.home_lead}</p>
        <ol>
          {s.settings.home_steps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
        <p class="link-text">{link}</p>
        <CopyLink link={link} class="primary" />
        <button type="button" class="quiet" onClick={onBrowser}>
          {s.settings.in_browser}
        </button>
      </div>
    </main>
  );
}
