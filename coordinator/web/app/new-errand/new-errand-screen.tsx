import type { JSX } from 'preact';

export function NewErrandScreen({ id }: { id: string }): JSX.Element {
  return <section class="screen">{id}</section>;
}
