import type { JSX } from 'preact';
import type { Given } from '../../parts/form.ts';
import { s } from '../screen-speech.ts';
import { removalField } from './project-fields.ts';

/** The secrets that a project has, each with a box that removes it once the form is saved. */
export function StoredSecrets({ names, before }: { names: readonly string[]; before: Given }): JSX.Element | null {
  if (names.length === 0) return null;
  return (
    <fieldset class="stored">
      <legend>{s.project.secrets}</legend>
      <ul class="rows">
        {names.map((name) => (
          <li key={name}>
            <code>{name}</code>
            <label class="check">
              <input
                type="checkbox"
                name={removalField(name)}
                value="yes"
                defaultChecked={before[removalField(name)] === 'yes'}
                aria-label={s.project.remove_secret_of(name)}
              />
              {s.project.remove_secret}
            </label>
          </li>
        ))}
      </ul>
      <small>{s.project.remove_secret_hint}</small>
    </fieldset>
  );
}
