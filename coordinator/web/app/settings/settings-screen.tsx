import type { JSX } from 'preact';

export function SettingsScreen({ id }: { id: string }): JSX.Element {
  return <section class="screen">{id}</section>;
}
