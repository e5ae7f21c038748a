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
const NONE: PickableRepositories = { items: [], faults: [] };

/** `asks`: the forge has not answered to this search yet. */
export type Picked = PickableRepositories & { asks: boolean };

/**
 * The repositories that the person may push to, found as they type. `known`: the identities of those that are offered
 * already, or taken.
 */
export function usePicked(search: string, known: ReadonlySet<string>): Picked {
  const { client, live } = useSession();
  const found = useSignal<PickableRepositories & { search?: string }>(NONE);
  useEffect(() => {
    let is_newest = true;
    const show = (answer: PickableRepositories): void => {
      if (is_newest) found.value = { ...answer, search };
    };
    const ask = setTimeout(() => {
      client
        .call('listRepositories', { query: { search: search.slice(0, LIMITS.search_chars_max) } })
        // What the device knows is offered nevertheless.
        .then(show, () => show(found.peek()));
    }, PAUSE_MS);
    return () => {
      is_newest = false;
      clearTimeout(ask);
    };
  }, [client, search]);
  const { items, faults, search: answered } = found.value;
  const word = search.toLowerCase();
  // The answer to what was typed before is shown as far as it fits.
  const shown = items.filter(
    ({ name, repo_url }) => !known.has(repositoryIdentity(repo_url)) && name.toLowerCase().includes(word),
  );
  return { items: shown, faults, asks: answered !== search && live.value?.kind === 'live' };
}

type PickedProps = { picked: Picked; onChoose: (repo_url: string) => void };

export function PickedRepositories({ picked: { items, faults }, onChoose }: PickedProps): JSX.Element | null {
  if (items.length === 0 && faults.length === 0) return null;
  return (
    <>
      <h2 class="places-title">{s.accounts.repositories}</h2>
      {faults.map((fault) => (
        <p key={fault} class="fault">
          {fault}
        </p>
      ))}
      <ul class="rows places">
        {items.map(({ name, repo_url }) => (
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
