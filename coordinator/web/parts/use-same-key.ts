import { useRef } from 'preact/hooks';
import { newId } from '../../../protocol/new-id.ts';

/**
 * The Idempotency-Key of a request that makes something: the same while the same is asked for, so that a second touch
 * after a lost answer makes nothing twice.
 */
export function useSameKey(): (body: object) => string {
  const last = useRef({ asked: '', key: '' });
  return (body) => {
    const asked = JSON.stringify(body);
    if (last.current.asked !== asked) last.current = { asked, key: newId() };
    return last.current.key;
  };
}
