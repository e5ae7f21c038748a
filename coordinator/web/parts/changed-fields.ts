import type { RefObject } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { fieldsOf, type Given } from './form.ts';

/**
 * `first`: what the fields of the form at `ref` show before anybody touches them. Some show a text in another way than
 * it was stored, such as without its line ends.
 */
export function useFirstFields(): { ref: RefObject<HTMLFormElement | null>; first: { current: Given } } {
  const ref = useRef<HTMLFormElement>(null);
  const first = useRef<Given>({});
  useLayoutEffect(() => {
    if (ref.current) first.current = fieldsOf(ref.current);
  }, []);
  return { ref, first };
}

/**
 * What of the request that a form asks for differs from what it asked for before anybody touched it: the rest may have
 * been changed elsewhere since, such as a host that was allowed.
 */
export function changesOf<T extends object>(first: { [K in keyof T]?: unknown }, asked: T): Partial<T> {
  const changes: Partial<T> = { ...asked };
  for (const key in asked) if (JSON.stringify(asked[key]) === JSON.stringify(first[key])) delete changes[key];
  return changes;
}
