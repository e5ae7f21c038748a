import type { JSX } from 'preact';
import { useRef } from 'preact/hooks';
import { isSameRepository } from '../../../protocol/repository-identity.ts';
import { readGiven, type Given } from '../parts/form.ts';
import { useText } from '../parts/use-text.ts';
import { hasCredential } from './new-errand/address-in.ts';
import type { Texts } from '../store/texts.ts';
import { s } from './screen-speech.ts';

export type FormDraft = {
  /** The fields that were written and not saved before the form was opened. */
  kept: Given;
  /** Another one: the fields are to be drawn anew, with `kept`. */
  shown: string;
  unsaved: boolean;
  /** Stores the fields that differ from `first`, but for passwords, also in addresses, and those of these names. */
  keep: (form: HTMLFormElement, first: Given, secret?: readonly string[]) => void;
  saved: () => void;
  discard: () => void;
};

/** What is written in a form, under `key`. It survives the app. */
export function useFormDraft(key: string): FormDraft {
  const text = useText(key);
  const is_written = useRef(false);
  const shown = useRef('');
  // It is read after the first drawing. Who has written by then goes on.
  if (!is_written.current) shown.current = text.value;
  return {
    kept: readGiven(shown.current),
    shown: shown.current,
    unsaved: shown.current !== '' && text.value !== '',
    keep: (form, first, secret = []) => {
      const changed = Object.entries(writtenIn(form)).filter(
        ([name, written]) => written !== (first[name] ?? '') && !secret.includes(name) && !isSecret(name, written),
      );
      if (changed.length === 0 && !is_written.current) return;
      is_written.current = true;
      text.value = changed.length === 0 ? '' : JSON.stringify(Object.fromEntries(changed));
    },
    saved: () => {
      is_written.current = true;
      text.value = '';
    },
    discard: () => {
      is_written.current = false;
      text.value = '';
    },
  };
}

type Made = { id: string; repo_url: string | null };

/**
 * Forgets what was written in the forms of a kind, `schedule` or `project`, but for these and new ones. One that is new
 * for a repository is over once that has one.
 */
export async function pruneForms(texts: Texts, kind: string, there: readonly Made[]): Promise<void> {
  const kept = new Set(['new', ...there.map(({ id }) => id)]);
  for (const key of await texts.keys()) {
    const [of, id = '', address] = key.split(' ');
    const is_made = address !== undefined && there.some(({ repo_url }) => isSameRepository(repo_url ?? '', address));
    if (of === kind && (!kept.has(id) || is_made)) await texts.write(key, '');
  }
}

/** Says that a form shows what was not saved, and offers what was saved instead. */
export function Unsaved({ draft }: { draft: FormDraft }): JSX.Element | null {
  if (!draft.unsaved) return null;
  return (
    <div class="card" role="status">
      <p>{s.unsaved}</p>
      <button type="button" class="quiet" onClick={draft.discard}>
        {s.discard}
      </button>
    </div>
  );
}

const ADDRESSES = ['repo_url', 'also'];

function isSecret(name: string, written: string): boolean {
  return ADDRESSES.includes(name) && written.split(/\s+/).some(hasCredential);
}

/** The fields of a form by their names, also the boxes without a tick; no passwords. */
function writtenIn(form: HTMLFormElement): Record<string, string> {
  const written: Record<string, string> = {};
  for (const field of form.elements) {
    if (field instanceof HTMLInputElement && field.type === 'checkbox')
      written[field.name] = field.checked ? field.value : '';
    else if (field instanceof HTMLInputElement && field.type !== 'password') written[field.name] = field.value;
    else if (field instanceof HTMLTextAreaElement || field instanceof HTMLSelectElement)
      written[field.name] = field.value;
  }
  delete written[''];
  return written;
}
