import { useSignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { isFull } from '../store/database.ts';
import { onLeave } from '../store/on-leave.ts';
import { useSession } from './context.ts';

/** The most that is lost when the app is killed while somebody writes. */
const SAVE_MS = 300;

/** What becomes of a stored text where another was written before it was read. */
type Join = (kept: string, written: string) => string;

/** A person who writes at once goes on with what they wrote before. */
export const continued: Join = (kept, written) => kept + written;

/**
 * A text that survives the app: it is stored while it is written, under `key`. Set it to an empty text once it was
 * sent.
 */
export function useText(key: string, initial = '', join: Join = (_, written) => written): Signal<string> {
  const { texts, full } = useSession();
  const text = useSignal(initial);
  useEffect(() => {
    /** Undefined: not known, since a write has failed. */
    let stored: string | undefined = initial;
    let loaded = false;
    /** Whether this field has written what is stored, as far as it knows. */
    let owns = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const save = (): void => {
      clearTimeout(timer);
      timer = undefined;
      if (!loaded || text.peek() === stored) return;
      stored = text.peek();
      owns = true;
      texts.write(key, stored).catch((error: unknown) => {
        stored = undefined;
        if (!isFull(error)) throw error;
        full.value = true;
      });
    };
    const load = (kept: string | undefined): void => {
      if (loaded) return;
      loaded = true;
      const written = text.peek();
      if (kept !== undefined) {
        stored = kept;
        text.value = written === initial ? kept : join(kept, written);
      }
      save();
    };
    void texts.read(key).then(load);
    const unsubscribe = text.subscribe((written) => {
      if (written !== stored) timer ??= setTimeout(save, SAVE_MS);
    });
    const unfollow = texts.follow(key, (next, kept) => {
      if (!loaded) return load(kept);
      const written = text.peek();
      // A field in which nobody writes shows what is stored, which another window may have changed before.
      const shown = !owns && written === stored ? kept : next(written);
      if (shown === kept) [stored, owns] = [kept, false];
      text.value = shown;
    });
    const unwatch = onLeave(save);
    return () => {
      unsubscribe();
      unfollow();
      save();
      unwatch();
    };
  }, [key, texts]);
  return text;
}
