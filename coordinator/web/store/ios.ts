/** Whether this is an iPhone or iPad. An iPad says that it is a Mac, but no Mac has a touch screen. */
export function isIos(): boolean {
  const { userAgent, maxTouchPoints } = navigator;
  return /iPhone|iPad/.test(userAgent) || (/Mac/.test(userAgent) && maxTouchPoints > 1);
}

/** Whether the app runs from the home screen, not in a tab of a browser. */
export function isInstalled(): boolean {
  return matchMedia('(display-mode: standalone)').matches;
}
