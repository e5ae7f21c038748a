import { useSignal, type Signal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import { useSession } from '../../parts/context.ts';
import type { Session } from '../../store/session.ts';

/** How somebody left the list: on a phone the other screens take its place. `link`: the address that had the focus. */
type Left = { top: number; query: string; link?: string | null | undefined };
const places = new WeakMap<Session, Left>();

/** What is searched for, and whether the search is open. Who comes back finds both, and is where they were. */
export function useListPlace(list: RefObject<HTMLElement | null>): {
  query: Signal<string>;
  searches: Signal<boolean>;
} {
  const session = useSession();
  const left = places.get(session) ?? { top: 0, query: '' };
  const query = useSignal(left.query);
  const searches = useSignal(left.query !== '');
  useLayoutEffect(() => {
    const element = list.current;
    if (!element) return;
    element.scrollTop = left.top;
    if (left.link && document.activeElement === document.body)
      element.closest('.screen')?.querySelector<HTMLElement>(`[href="${left.link}"]`)?.focus({ preventScroll: true });
    return () => {
      const link = document.activeElement?.getAttribute('href');
      places.set(session, { top: element.scrollTop, query: query.peek(), link });
    };
  }, [session]);
  return { query, searches };
}
