/** Moves the focus into a screen: by default into the one beside the list, or in place of it. */
export function focusScreen(screen = document.querySelector<HTMLElement>('.panes > .screen:last-child')): void {
  if (!screen) return;
  screen.tabIndex = -1;
  screen.focus({ preventScroll: true });
}
