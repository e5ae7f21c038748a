import { useLayoutEffect } from 'preact/hooks';
import { t } from './speech.ts';

/** Names the page, for the history, the tabs and screen readers. */
export function useTitle(title: string): void {
  useLayoutEffect(() => {
    document.title = title === t.app ? title : `${title} · ${t.app}`;
  }, [title]);
}
