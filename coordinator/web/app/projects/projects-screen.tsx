import type { JSX } from 'preact';

export function ProjectsScreen({ id }: { id: string }): JSX.Element {
  return <section class="screen">{id}</section>;
}
