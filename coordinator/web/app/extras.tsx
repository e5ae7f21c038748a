import type { JSX } from 'preact';
import { useEffect, useLayoutEffect } from 'preact/hooks';
import { useRouter } from '../parts/context.ts';
import { keepFocus } from './keep-focus.ts';
import { focusScreen } from './screen-focus.ts';
import { Shortcuts } from './shortcuts.tsx';

/** What is beside every screen, once it is there. */
export function Extras(): JSX.Element {
  const { name, params } = useRouter().place.value;
  useLayoutEffect(takeFocus, [name, params.id]);
  useEffect(keepFocus, []);
  return <Shortcuts />;
}

/** Goes on at a screen that came in place of what had the focus: a screen reader would begin anew with the page. */
function takeFocus(): void {
  if (document.activeElement === document.body) focusScreen();
}
