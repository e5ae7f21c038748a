import type { JSX } from 'preact';

export function ProjectScreen({ id }: { id: string }): JSX.Element {
  return <section class="screen">{id}</section>;
}
