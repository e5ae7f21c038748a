import { useComputed, type Signal } from '@preact/signals';
import type { JSX, RefObject } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { LIMITS } from '../../../../protocol/limits.ts';
import type { Task } from '../../../../protocol/task.ts';
import { SAMPLE_REPO_URL } from '../../../../protocol/without-schemas.ts';
import { useRouter, useSession } from '../../parts/context.ts';
import { Icon } from '../../parts/icons.tsx';
import { LiveBadge } from '../../parts/live-badge.tsx';
import { loadedScreens, loadScreens } from '../lazy.ts';
import { LongList } from './long-list.tsx';
import { useTitle } from '../../parts/use-title.ts';
import { t } from '../../parts/speech.ts';
import { pathOf } from '../../store/routes.ts';
import { groupTasks, type Groups } from './groups.ts';
import { taskGlance, TaskRow, UnsentRow, type Beside } from './task-row.tsx';
import { useListPlace } from './use-list-place.ts';
import { isUnsent } from './unsent.ts';
import { useSearch } from './use-search.ts';

/** Home: what needs the person, what is at work, what is done. */
export function Inbox({ beside }: { beside?: Beside }): JSX.Element {
  const session = useSession();
  const body = useRef<HTMLDivElement>(null);
  const { query, searches } = useListPlace(body);
  const groups = useComputed(() => {
    const tasks = session.tasks.value;
    return tasks && groupTasks(tasks);
  });
  const search = useSearch(query.value);
  useTitle(t.app);
  const found = search ? groupTasks(search.tasks) : groups.value;
  const unsent = session.acts.entries.value.filter(isUnsent);
  const searching = query.value !== '';
  const is_empty = found && unsent.length === 0 && Object.values(found).every((group) => group.length === 0);
  return (
    <section class="screen inbox" aria-label={t.inbox.list}>
      <header>
        <h1>{t.inbox.title}</h1>
        <LiveBadge />
        <button
          type="button"
          class="icon-button"
          data-key="search"
          aria-label={t.inbox.search}
          aria-expanded={searches.value}
          onClick={() => {
            searches.value = !searches.value;
            query.value = '';
          }}
        >
          <Icon name="search" />
        </button>
        <a class="icon-button" href={pathOf('settings')} aria-label={t.inbox.settings}>
          <Icon name="settings" />
        </a>
      </header>
      {searches.value && <Search query={query} />}
      <div class="body" ref={body}>
        {unsent.length > 0 && <h2>{t.inbox.unsent}</h2>}
        <ul class="rows">
          {unsent.map((entry) => (
            <UnsentRow key={entry.key} entry={entry} />
          ))}
        </ul>
        {search?.only_here === true && <p class="soft">{t.inbox.only_here}</p>}
        {found && <GroupList groups={found} beside={beside} searching={searching} />}
        {found && !searching && session.has_older.value && <Older list={body} />}
        {is_empty && (searching ? <p class="empty">{t.inbox.nothing_found}</p> : <FirstErrand />)}
        {found && !searching && (!is_empty || searches.value) && (
          <a class="quiet to-archive" href={pathOf('archived')}>
            {t.inbox.archived}
          </a>
        )}
      </div>
      <NewErrandBar />
    </section>
  );
}

/** At the end of a list that this device knows in part. Its button comes with the other screens. */
function Older({ list }: { list: RefObject<HTMLElement | null> }): JSX.Element | null {
  const session = useSession();
  useEffect(() => void loadScreens(), []);
  const loaded = loadedScreens();
  return loaded ? <loaded.MoreRows list={list} label={t.errand.earlier} onMore={() => session.older()} /> : null;
}

type GroupListProps = { groups: Groups; beside: Beside | undefined; searching: boolean };

/** What is archived is found by a search alone. */
function GroupList({ groups, beside, searching }: GroupListProps): JSX.Element {
  return (
    <>
      <Group title={t.inbox.needs_you} tasks={groups.needs} beside={beside} needs />
      <Group title={t.inbox.at_work} tasks={groups.work} beside={beside} />
      <Group title={t.inbox.done} tasks={groups.done} beside={beside} />
      {searching && <Group title={t.inbox.archived} tasks={groups.archived} beside={beside} />}
    </>
  );
}

function Search({ query }: { query: Signal<string> }): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => {
    // In the touch itself: iOS opens the keyboard at no other time. Whoever comes back reads what was found.
    if (query.peek() === '') input.current?.focus();
  }, [query]);
  return (
    <div class="search">
      <input
        ref={input}
        type="search"
        maxLength={LIMITS.search_chars_max}
        placeholder={t.inbox.search}
        aria-label={t.inbox.search}
        value={query.value}
        onInput={({ currentTarget }) => (query.value = currentTarget.value)}
      />
    </div>
  );
}

type GroupProps = { title: string; tasks: readonly Task[]; beside: Beside | undefined; needs?: boolean };

function Group({ title, tasks, beside, needs = false }: GroupProps): JSX.Element | null {
  if (tasks.length === 0) return null;
  return (
    <>
      <h2 class={needs ? 'needs' : ''}>{title}</h2>
      <LongList
        items={tasks}
        keyOf={({ id }) => id}
        glance={taskGlance}
        row={(task, attributes) => (
          <TaskRow
            key={task.id}
            task={task}
            beside={task.id === beside?.id ? beside.shows : undefined}
            attributes={attributes}
          />
        )}
      />
    </>
  );
}

/** What a newcomer sees: the main job, one touch away. */
function FirstErrand(): JSX.Element {
  const session = useSession();
  return (
    <div class="empty">
      <h2>{t.inbox.empty_title}</h2>
      <p>{t.inbox.empty}</p>
      <button
        type="button"
        class="primary"
        onClick={() => void session.acts.send({ prompt: t.inbox.sample_prompt, repo_url: SAMPLE_REPO_URL })}
      >
        {t.inbox.send_sample}
      </button>
    </div>
  );
}

function NewErrandBar(): JSX.Element {
  const router = useRouter();
  return (
    <footer class="composer">
      <a
        class="composer-field"
        href={pathOf('new_errand')}
        onClick={(event) => {
          // In the touch itself: iOS opens the keyboard at no other time.
          event.preventDefault();
          router.go('new_errand');
        }}
      >
        {t.inbox.new_errand}
      </a>
      <a class="round" href={pathOf('new_errand')} tabIndex={-1} aria-hidden="true">
        <Icon name="plus" />
      </a>
    </footer>
  );
}
