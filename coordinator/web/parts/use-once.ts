import { useRef } from 'preact/hooks';

/** Runs one act at a time: a second touch while the first is being stored does nothing. */
export function useOnce(): (act: () => Promise<unknown>) => void {
  const busy = useRef(false);
  return (act) => {
    if (busy.current) return;
    busy.current = true;
    void act().finally(() => (busy.current = false));
  };
}
