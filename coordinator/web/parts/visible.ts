import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

/** Whether the page can be seen: not behind another tab, nor with the screen off. */
export function useVisible(): boolean {
  const visible = useSignal(document.visibilityState === 'visible');
  useEffect(() => {
    const onChange = (): void => void (visible.value = document.visibilityState === 'visible');
    document.addEventListener('visibilitychange', onChange);
    return () => document.removeEventListener('visibilitychange', onChange);
  }, []);
  return visible.value;
}
