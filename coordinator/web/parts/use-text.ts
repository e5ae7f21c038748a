import { useSignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { useSession } from './context.ts';

const SAVE_MS = 300;

/**
 * A text that survives the app: it is stored while it is written, under `key`. Set it to an empty text once it was sent.
 */
export function useText(key: string, initial = ''): Signal<string> {
  const { texts } = useSession();
  const text = useSignal(initial);
  useEffect(() => {
    let [changed, loaded] = [false, false];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const save = (): void => {
      clearTimeout(timer);
      if (changed) void texts.write(key, text.peek());
      changed = false;
    };
    void texts.read(key).then((kept) => {
      // What is being written counts more than what was stored.
      if (kept !== undefined && text.peek() === initial) text.value = kept;
      loaded = true;
    });
    const unsubscribe = text.subscribe(() => {
      if (!loaded) return;
      changed = true;
      clearTimeout(timer);
      timer = setTimeout(save, SAVE_MS);
    });
    const onHide = (): void => {
      if (document.visibilityState === 'hidden') save();
    };
    document.addEventListener('visibilitychange', onHide);
    addEventListener('pagehide', save);
    return () => {
      unsubscribe();
      save();
      document.removeEventListener('visibilitychange', onHide);
      removeEventListener('pagehide', save);
    };
  }, [key, texts]);
  return text;
}
