import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { LIMITS } from '../../../../protocol/limits.ts';
import { repositoryIdentity } from '../../../../protocol/repository-identity.ts';
import type { PickableRepositories } from '../../../../protocol/forges.ts';
import { useSession } from '../../parts/context.ts';
import { repositoryAddress } from '../../parts/words.ts';
import { s } from '../screen-speech.ts';

/** How long one pauses in typing before the forge is asked. */
const PAUSE_MS = 200;

type PickedProps = { search: string; known: ReadonlySet<string>; onChoose: (repo_url: string) => void };

/**
 * The repositories that the person may push to, found as they type. `known`: the identities of those that are offered
 * already, or taken.
 */
export function PickedRepositories({ search, known, onChoose }: PickedProps): JSX.Element | null {
  const { client } = useSession();
  const found = useSignal<PickableRepositories>({ items: [], faults: [] });
  useEffect(() => {
    let is_newest = true;
    const ask = setTimeout(() => {
      client.call('listRepositories', { query: { search: search.slice(0, LIMITS.search_chars_max) } }).then(
        (answer) => is_newest && (found.value = answer),
        // What the device knows is offered nevertheless.
        () => undefined,
      );
    }, PAUSE_MS);
    return () => {
      is_newest = false;
      clearTimeout(ask);
    };
  }, [client, search]);
  const { items, faults } = found.value;
  const word = search.toLowerCase();
  // The answer to what was typed before is shown as far as it fits.
  const shown = items.filter(
    ({ name, repo_url }) => !known.has(repositoryIdentity(repo_url)) && name.toLowerCase().includes(word),
  );
  if (shown.length === 0 && faults.length === 0) return null;
  return (
    <>
      <h2 class="places-title">{s.accounts.repositories}</h2>
      {faults.map((fault) => (
        <p key={fault} class="fault">
          {fault}
        </p>
      ))}
      <ul class="rows places">
        {shown.map(({ name, repo_url }) => (
          <li key={repo_url}>
            <button type="button" onClick={() => onChoose(repo_url)}>
              <b dir="auto">{name}</b>
              <span>{repositoryAddress(repo_url)}</span>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
