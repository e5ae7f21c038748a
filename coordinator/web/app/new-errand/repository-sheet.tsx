import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Project } from '../../../../protocol/api.ts';
import type { Task } from '../../../../protocol/task.ts';
import { isSameRepository, repositoryIdentity } from '../../../../protocol/repository-identity.ts';
import { SAMPLE_REPO_URL } from '../../../../protocol/without-schemas.ts';
import { useSession } from '../../parts/context.ts';
import { Sheet } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { repositoryAddress, repositoryName } from '../../parts/words.ts';
import { s } from '../screen-speech.ts';
import { addressIn, hasCredential } from './address-in.ts';
import { PickedRepositories, usePicked } from './picked-repositories.tsx';
import type { Fresh } from './fresh.ts';
import { isFound } from './use-proven.ts';
import {
  changePlace,
  hasBranchNames,
  isChosen,
  isSamePlace,
  mayAddPlace,
  placesOf,
  withoutPlace,
  type Place,
} from './place.ts';

const RECENT_MAX = 6;

export type OptionSheetProps = { fresh: Fresh; onChoose: (change: Partial<Fresh>) => void; onClose: () => void };

type Choice = { key: string; name: string; hint: string; change: Place };

type RepositorySheetProps = OptionSheetProps & {
  /** Which of the errand's repositories it is about; one behind the last is a new one. */
  index: number;
  onAdd: () => void;
};

/** Where the work is to be done: a project, a repository of before, or an address. */
export function RepositorySheet({ fresh, index, onChoose, onAdd, onClose }: RepositorySheetProps): JSX.Element {
  const session = useSession();
  const query = useSignal('');
  useEffect(() => void session.readProjects(), [session]);
  const word = query.value.trim();
  const is_only = index === 0 && placesOf(fresh).length === 1;
  const title = is_only ? s.fresh.repository : s.repositories.nth(index + 1);
  const address = addressIn(word);
  const found = useFound(fresh, index, word);
  const others = placesOf(fresh).filter((_, i) => i !== index);
  const offered = [...(session.projects.value ?? []), ...found.map(({ change }) => change), ...others];
  const known = new Set(offered.map(({ repo_url = '' }) => repositoryIdentity(repo_url)));
  const choose = (change: Place): void => {
    const nothing = { project: undefined, repo_url: undefined, make_project: undefined, sent: undefined };
    onChoose(changePlace(fresh, index, { ...nothing, ...change }));
    onClose();
  };
  const picked = usePicked(word, known);
  const pick = (repo_url: string): Place => ({ repo_url, ...(index === 0 && { make_project: true }) });
  const matches = [...found.map(({ change }) => change), ...picked.items.map(({ repo_url }) => pick(repo_url))];
  const first = address === undefined ? matches[0] : { repo_url: address };
  const entered = useSignal(false);
  const type = (typed: string): void => {
    [query.value, entered.value] = [typed, false];
  };
  const take = (): void => {
    if (first) choose(first);
    else entered.value = true;
  };
  // Enter takes what the forge finds a moment later too.
  useEffect(() => {
    if (!picked.asks && entered.value && first) choose(first);
  }, [picked.asks]);
  const no_match = entered.value && !picked.asks && !first ? s.fresh.no_match : '';
  const fault = hasCredential(word) ? s.fresh.no_credential : no_match;
  // A word that is left in the search replaces nothing that was chosen.
  const is_left = address === undefined && !hasCredential(word) && isChosen(placesOf(fresh)[index] ?? {});
  return (
    <Sheet label={title} onClose={onClose}>
      <h2>{title}</h2>
      <Search word={word} address={address} fault={fault} onInput={type} onTake={take} />
      <Found found={found} chosen={placesOf(fresh)[index]} onChoose={choose} />
      <PickedRepositories picked={picked} onChoose={(repo_url) => choose(pick(repo_url))} />
      <Chosen {...{ fresh, index, onChoose, onAdd, onClose }} onDone={word === '' || is_left ? onClose : take} />
    </Sheet>
  );
}

type SearchProps = {
  word: string;
  /** The address in the word, where there is one. */
  address: string | undefined;
  fault: string;
  onInput: (typed: string) => void;
  onTake: () => void;
};

function Search({ word, address, fault, onInput, onTake }: SearchProps): JSX.Element {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (word !== '') onTake();
      }}
    >
      <label class="field">
        <span class="hidden">{s.fresh.search}</span>
        <input
          type="search"
          inputMode="url"
          autocapitalize="none"
          placeholder={s.fresh.search}
          onInput={({ currentTarget }) => onInput(currentTarget.value)}
        />
      </label>
      {address !== undefined && (
        <button type="submit" class="choice main">
          {s.fresh.use_address(repositoryAddress(address))}
        </button>
      )}
      <p class="fault" role="alert">
        {fault}
      </p>
    </form>
  );
}

/** The known repositories with this word that the errand does not have yet. */
function useFound(fresh: Fresh, index: number, word: string): Choice[] {
  const session = useSession();
  const taken = placesOf(fresh).filter((_, i) => i !== index);
  const isTaken = ({ key, change }: Choice): boolean =>
    taken.some(
      ({ project, repo_url }) =>
        project?.id === key || (repo_url !== undefined && isSameRepository(repo_url, change.repo_url ?? '')),
    );
  return choices(session.projects.value ?? [], session.tasks.value ?? []).filter(
    (choice) =>
      `${choice.name} ${choice.hint}`.toLowerCase().includes(word.toLowerCase()) &&
      !isTaken(choice) &&
      (choice.key !== 'sample' || (index === 0 && taken.length === 0)),
  );
}

type FoundProps = { found: readonly Choice[]; chosen: Place | undefined; onChoose: (change: Place) => void };

function Found({ found, chosen = {}, onChoose }: FoundProps): JSX.Element {
  return (
    <ul class="rows places">
      {found.map(({ key, name, hint, change }) => (
        <li key={key}>
          <button type="button" aria-pressed={isSamePlace(change, chosen)} onClick={() => onChoose(change)}>
            <b dir="auto">{name}</b>
            <span>{hint}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}

type ChosenProps = RepositorySheetProps & Pick<BranchesProps, 'onDone'>;

/** The branches of the repository that was chosen, and what may follow. */
function Chosen({ fresh, index, onChoose, onAdd, onClose, onDone }: ChosenProps): JSX.Element | null {
  const place = placesOf(fresh)[index];
  if (!place) return null;
  const remove = (): void => {
    onChoose(withoutPlace(fresh, index));
    onClose();
  };
  return (
    <>
      <Branches
        place={place}
        hint={index === 0 ? s.fresh.push_to_hint : s.repositories.push_to_hint}
        onChange={(change) => onChoose(changePlace(fresh, index, change))}
        onDone={onDone}
      />
      {mayAddPlace(fresh) && (
        <button type="button" class="choice" onClick={onAdd}>
          {s.repositories.add}
        </button>
      )}
      {index > 0 && (
        <button type="button" class="choice danger" onClick={remove}>
          {s.repositories.remove}
        </button>
      )}
    </>
  );
}

type BranchesProps = {
  place: Place;
  hint: string;
  onChange: (change: Place) => void;
  onDone: () => void;
};

/** What the work starts from, and where it is pushed to. */
function Branches({ place, hint, onChange, onDone }: BranchesProps): JSX.Element {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onDone();
      }}
    >
      <label class="field">
        <span>{s.fresh.branch}</span>
        <input
          defaultValue={place.base_branch ?? ''}
          placeholder={s.fresh.default_branch}
          autocapitalize="none"
          onInput={({ currentTarget: { value } }) => onChange({ base_branch: value.trim() || undefined })}
        />
      </label>
      <label class="field">
        <span>{s.fresh.push_to}</span>
        <input
          defaultValue={place.push_to ?? ''}
          placeholder={s.fresh.own_branch}
          autocapitalize="none"
          onInput={({ currentTarget: { value } }) => onChange({ push_to: value.trim() || undefined })}
        />
        <small>{hint}</small>
      </label>
      {!hasBranchNames(place) && (
        <p class="fault" role="alert">
          {s.fresh.no_branch_name}
        </p>
      )}
      <button class="primary">{s.fresh.done}</button>
    </form>
  );
}

/** Projects, then the repositories of the last errands that belong to none, then the sample. */
function choices(
  projects: readonly Project[],
  tasks: readonly Pick<Task, 'repo_url' | 'reason' | 'base_branch'>[],
): Choice[] {
  const own = projects.map(({ id, name, repo_url, verify_command }): Choice => {
    const checks = verify_command === null ? [] : [s.project.checks_with(verify_command)];
    const hint = [repositoryAddress(repo_url), ...checks].join(' · ');
    return { key: id, name, hint, change: { project: { id, name } } };
  });
  const offered = new Set([...projects.map(({ repo_url }) => repo_url), SAMPLE_REPO_URL].map(repositoryIdentity));
  const isNew = (url: string): boolean => {
    const identity = repositoryIdentity(url);
    const is_new = !offered.has(identity);
    offered.add(identity);
    return is_new;
  };
  // The newest errand comes first, and its address is the one that is offered.
  const recent = [...new Set(tasks.filter(isFound).map(({ repo_url }) => repo_url))]
    .filter(isNew)
    .slice(0, RECENT_MAX)
    .map((url): Choice => ({
      key: url,
      name: repositoryName(url),
      hint: repositoryAddress(url),
      change: { repo_url: url },
    }));
  const sample = { name: t.fresh.sample, hint: s.fresh.sample_hint, change: { repo_url: SAMPLE_REPO_URL } };
  return [...own, ...recent, { key: 'sample', ...sample }];
}
