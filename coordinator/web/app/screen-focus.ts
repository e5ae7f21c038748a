import { takeFocus } from '../parts/take-focus.ts';

/** Moves the focus into a screen: into the one beside the list, or in place of it. */
export function focusScreen(): void {
  takeFocus(document.querySelector<HTMLElement>('.panes > .screen:last-child'));
}
