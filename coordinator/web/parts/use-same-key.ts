import { useRef } from 'preact/hooks';
import { newId } from '../../../protocol/new-id.ts';

/** Sends a request that makes something. */
type Make<T> = (own: { idempotency_key: string }) => Promise<T>;

/**
 * Makes something under an Idempotency-Key that stays the same while the same is asked for and was not made, so that a
 * second touch after a lost answer makes nothing twice.
 */
export function useSameKey(): <T>(asked: object, make: Make<T>) => Promise<T> {
  const last = useRef({ asked: '', key: '' });
  return async (body, make) => {
    const asked = JSON.stringify(body);
    if (last.current.asked !== asked) last.current = { asked, key: newId() };
    const made = await make({ idempotency_key: last.current.key });
    last.current = { asked: '', key: '' };
    return made;
  };
}
