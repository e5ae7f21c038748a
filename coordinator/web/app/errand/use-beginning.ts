import { useSignal, type Signal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { useSession } from '../../parts/context.ts';
import { faultWords } from '../../parts/words.ts';
import { s } from '../screen-speech.ts';

type Way = {
  /** Whether the reader is at the end of the list. */
  follows: Signal<boolean>;
  /** Whether the first row of all is in the page. */
  is_shown: boolean;
  show: () => void;
};

/**
 * The way to the beginning of an errand: what is in front of what is known is read, and then its top shows. `note`: why
 * it does not show yet.
 */
export function useBeginning(
  list: RefObject<HTMLElement | null>,
  id: string,
  { follows, is_shown, show }: Way,
): { going: boolean; note: string; go: () => void } {
  const session = useSession();
  const going = useSignal(false);
  const note = useSignal('');
  const reading = useRef<AbortController | undefined>(undefined);
  const arrives = useRef(false);
  const stop = (): void => {
    reading.current?.abort();
    [reading.current, arrives.current, going.value, note.value] = [undefined, false, false, ''];
  };
  useEffect(() => stop, [id]);
  useEffect(() => {
    // Whoever goes back to the end wants no more of it.
    if (follows.value) stop();
  }, [follows.value]);
  const go = (): void => {
    stop();
    const own = new AbortController();
    [reading.current, going.value] = [own, true];
    session
      .earlier(id, own.signal)
      .then(
        (is_all) => {
          if (own.signal.aborted) return;
          if (!is_all) return void (note.value = s.errand.beginning_far);
          arrives.current = true;
          show();
        },
        // What has come stays; a touch tries the rest again.
        (error: unknown) => {
          if (!own.signal.aborted) note.value = faultWords(error);
        },
      )
      .finally(() => {
        if (!own.signal.aborted) going.value = false;
      });
  };
  useLayoutEffect(() => {
    if (!arrives.current || !is_shown || !list.current) return;
    arrives.current = false;
    list.current.scrollTop = 0;
    // The button goes; its keys go on here.
    list.current.focus({ preventScroll: true });
  });
  return { going: going.value, note: note.value, go };
}
