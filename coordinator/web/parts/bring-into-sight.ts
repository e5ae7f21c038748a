/** As a `ref`: brings what stands at the end of a conversation into sight once it is there. */
export const bringIntoSight = (element: HTMLElement | null): void => element?.scrollIntoView({ block: 'nearest' });
