import type { JSX } from 'preact';

export function ErrandScreen({ id }: { id: string }): JSX.Element {
  return <section class="screen">{id}</section>;
}
