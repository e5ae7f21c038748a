import { useLayoutEffect } from 'preact/hooks';
import { t } from './speech.ts';

/** Names the page, for the history, the tabs and screen readers. */
export function useTitle(title: string): void {
  useLayoutEffect(() => {
    document.title = title === t.app ? title : `${title} · ${t.app}`;
    // Beside a list that stays, nothing else names the page again.
    return () => void (document.title = t.app);
  }, [title]);
}
