import type { JSX } from 'preact';

export function ChangesScreen({ id }: { id: string }): JSX.Element {
  return <section class="screen">{id}</section>;
}
