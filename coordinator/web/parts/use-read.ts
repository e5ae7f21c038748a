import { useEffect, useRef } from 'preact/hooks';
import { useSession } from './context.ts';

/**
 * Reads what a screen shows: at once, for other `inputs`, and each time that the server can be reached again. It may
 * not have answered before, and much may have changed since.
 */
export function useRead(read: () => void, inputs: readonly unknown[]): void {
  const state = useSession().live.value?.kind;
  const was_away = useRef(false);
  was_away.current ||= state === 'away' || state === 'failed';
  const is_back = was_away.current && state === 'live';
  useEffect(read, inputs);
  useEffect(() => {
    if (!is_back) return;
    was_away.current = false;
    read();
  }, [is_back]);
}
