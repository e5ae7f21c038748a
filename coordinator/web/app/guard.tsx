import type { ComponentChildren, JSX } from 'preact';
import { useErrorBoundary } from 'preact/hooks';
import { Screen } from '../parts/screen.tsx';
import { t } from '../parts/speech.ts';
import { s } from './screen-speech.ts';

/** Draws a screen. One that throws is replaced by words: without this the whole app would stand still. */
export function Guard({ children }: { children: ComponentChildren }): JSX.Element {
  const [fault] = useErrorBoundary((error) => reportError(error));
  if (fault === undefined) return <>{children}</>;
  return (
    <Screen title={t.app} parent={{ name: 'inbox' }}>
      <div class="empty" role="alert">
        <p>{s.not_drawn}</p>
        <button type="button" class="primary" onClick={() => location.reload()}>
          {t.update_now}
        </button>
      </div>
    </Screen>
  );
}
