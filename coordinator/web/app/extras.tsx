import type { JSX } from 'preact';
import { useLayoutEffect } from 'preact/hooks';
import { useRouter } from '../parts/context.ts';
import { Shortcuts } from './shortcuts.tsx';

/** What is beside every screen, once it is there. */
export function Extras(): JSX.Element {
  const { name, params } = useRouter().place.value;
  useLayoutEffect(takeFocus, [name, params.id]);
  return <Shortcuts />;
}

/** Goes on at a screen that came in place of what had the focus: a screen reader would begin anew with the page. */
function takeFocus(): void {
  const screen = document.querySelector<HTMLElement>('.panes > .screen:last-child');
  if (!screen || document.activeElement !== document.body) return;
  screen.tabIndex = -1;
  screen.focus({ preventScroll: true });
}
