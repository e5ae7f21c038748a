/** Moves the focus into the screen beside the list, or in place of it. */
export function focusScreen(): void {
  const screen = document.querySelector<HTMLElement>('.panes > .screen:last-child');
  if (!screen) return;
  screen.tabIndex = -1;
  screen.focus({ preventScroll: true });
}
