import { useSignal, type Signal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { TaskCreate } from '../../../../protocol/api.ts';
import type { ServerInfo } from '../../../../protocol/server-info.ts';
import { LIMITS } from '../../../../protocol/limits.ts';
import {
  AttachButton,
  DraftFileList,
  fileFaultWords,
  takesFiles,
  useFiles,
  type DraftFiles,
} from '../../parts/attach.tsx';
import { useRouter, useSession } from '../../parts/context.ts';
import { GrowingField } from '../../parts/growing-field.tsx';
import { useTitle } from '../../parts/use-title.ts';
import { format, t } from '../../parts/speech.ts';
import { isTooLong, TooLong } from '../../parts/too-long.tsx';
import { readLeftOut } from '../../store/left-out.ts';
import { withoutGaps } from '../../store/without-gaps.ts';
import { s } from '../screen-speech.ts';
import { useOnce } from '../../parts/use-once.ts';
import { continued, useText } from '../../parts/use-text.ts';
import {
  addText,
  defaultsOf,
  forNext,
  joinFresh,
  mistakeIn,
  readFresh,
  toRequest,
  withoutUnproven,
  writeFresh,
  type Fresh,
} from './fresh.ts';
import { BudgetSheet, ModelSheet } from './option-sheets.tsx';
import { placeName, placesOf, readPlace, withoutPlace, type Place } from './place.ts';
import { RepositorySheet } from './repository-sheet.tsx';
import { useOffer } from './use-offer.ts';
import { useProven } from './use-proven.ts';

/** A new errand: its text first, then what else it needs, each behind a chip. */
export function NewErrandScreen(): JSX.Element {
  const router = useRouter();
  const { prompt, kept } = useDraft();
  const fresh = withoutUnproven(readFresh(kept.value), useProven());
  const sheet = useSignal<SheetName | undefined>(undefined);
  const files = useFiles('new');
  const is_given = useGiven();
  useTitle(s.fresh.title);
  const set = (change: Partial<Fresh>) => (kept.value = writeFresh({ ...fresh, ...change }));
  const request = toRequest(prompt.value, fresh);
  const offer = useOffer();
  const mistake = mistakeIn(fresh, offer);
  const can_send = request !== undefined && mistake === undefined && !isTooLong(prompt.value) && files.ready;
  const send = useSend(prompt, kept, files, offer);
  const close = () => (sheet.value = undefined);
  return (
    <section class="screen fresh" aria-label={s.fresh.title}>
      <header class="small">
        <button type="button" class="quiet" onClick={() => router.back('inbox')}>
          {t.cancel}
        </button>
        <h1>{s.fresh.title}</h1>
        <button type="button" class="quiet send" disabled={!can_send} onClick={() => can_send && send(request)}>
          {s.fresh.send}
        </button>
      </header>
      <div class="body" {...takesFiles(files)}>
        <GrowingField
          class="prompt"
          autofocus
          value={prompt.value}
          label={s.fresh.prompt}
          onInput={(text) => {
            is_given.value = false;
            prompt.value = text;
          }}
        />
        <LeftOutNote />
        <DraftFileList files={files} />
        <Chips fresh={fresh} offer={offer} onOpen={(name) => (sheet.value = name)} onChoose={set} files={files} />
      </div>
      <BelowText text={prompt.value} mistake={mistake} is_given={is_given.value} />
      {typeof sheet.value === 'number' && (
        <RepositorySheet
          key={sheet.value}
          fresh={fresh}
          index={sheet.value}
          onChoose={set}
          onAdd={() => (sheet.value = placesOf(fresh).length)}
          onClose={close}
        />
      )}
      {sheet.value === 'model' && <ModelSheet fresh={fresh} onChoose={set} onClose={close} />}
      {sheet.value === 'budget' && <BudgetSheet fresh={fresh} onChoose={set} onClose={close} />}
    </section>
  );
}

/** What of a share was not taken, where the share sheet led here. */
function LeftOutNote(): JSX.Element | null {
  const router = useRouter();
  // The address has it only until it has filled in the draft.
  const left_out = useRef(readLeftOut(router.place.peek().query)).current;
  if (!left_out) return null;
  return (
    <p class="fault" role="alert">
      {[s.fresh.left_out(left_out.count), ...left_out.why.map(fileFaultWords)].join(' ')}
    </p>
  );
}

/** Whether a link or another app has written in the draft, and the person has not touched it since. */
function useGiven(): Signal<boolean> {
  const { query } = useRouter().place.peek();
  return useSignal(query.has('text') || query.has('shared'));
}

type BelowTextProps = { text: string; mistake: string | undefined; is_given: boolean };

/** What keeps the errand from being sent, or from being sent now, and what the person did not write. */
function BelowText({ text, mistake, is_given }: BelowTextProps): JSX.Element | null {
  const session = useSession();
  if (isTooLong(text))
    return (
      <div class="later">
        <TooLong text={text} />
      </div>
    );
  if (mistake !== undefined)
    return (
      <p class="later fault" role="alert">
        {mistake}
      </p>
    );
  const is_away = session.live.value?.kind === 'away';
  if (!is_given && !is_away) return null;
  return (
    <p class="later" role="status">
      {[is_given && s.fresh.given, is_away && s.fresh.later].filter(Boolean).join(' ')}
    </p>
  );
}

/** Sends the errand, and leaves once it is stored. */
function useSend(
  prompt: Signal<string>,
  kept: Signal<string>,
  files: DraftFiles,
  offer: ServerInfo | undefined,
): (request: TaskCreate) => void {
  const session = useSession();
  const router = useRouter();
  const once = useOnce();
  return (request) => {
    const [written, options] = [prompt.value, kept.value];
    const attachments = files.ids();
    const leave = router.unlessGone(() => router.back('inbox'));
    const body = { ...request, ...(attachments.length > 0 && { attachments }) };
    once(async () => {
      if (!(await session.acts.send(body, options))) return;
      await files.take(attachments);
      await session.texts.give('new prompt', { without: written });
      await session.texts.give('new options', { set: writeFresh(forNext(readFresh(options), offer)) });
      leave();
    });
  };
}

/** What was written and chosen before, with what a link fills in. */
function useDraft(): { prompt: Signal<string>; kept: Signal<string> } {
  const router = useRouter();
  const text = router.place.peek().query.get('text');
  const linked = useRef(text === null ? null : withoutGaps(text)).current;
  const prompt = useText('new prompt', '', (kept, written) =>
    written === linked ? addText(kept, linked) : continued(kept, written),
  );
  const kept = useText('new options', writeFresh({}), joinFresh);
  useEffect(() => {
    const { query } = router.place.peek();
    const repo_url = query.get('repo');
    if (linked !== null) prompt.value = linked;
    const also = query.getAll('also').slice(0, LIMITS.repositories_max - 1);
    if (repo_url !== null)
      kept.value = writeFresh({ repo_url, ...(also.length > 0 && { others: also.map(readPlace) }) });
    // A link fills in once: a reload must not undo what was changed since.
    if (query.size > 0) router.go('new_errand', {}, true);
  }, [router]);
  return { prompt, kept };
}

/** A number: the repository with this index. */
type SheetName = number | 'model' | 'budget';

type ChipsProps = {
  fresh: Fresh;
  offer: ServerInfo | undefined;
  files: DraftFiles;
  onOpen: (name: SheetName) => void;
  onChoose: (change: Partial<Fresh>) => void;
};

function Chips({ fresh, offer, files, onOpen, onChoose }: ChipsProps): JSX.Element {
  const { model, effort, budget_usd, plan_first = false } = fresh;
  const session = useSession();
  const unset = defaultsOf(fresh, session.projects.value ?? [], offer);
  const of_project = fresh.project !== undefined;
  useEffect(() => {
    if (of_project) void session.readProjects();
  }, [session, of_project]);
  return (
    <div class="chips">
      {placesOf(fresh).map((place, index) => (
        <PlaceChip
          key={index}
          place={place}
          onOpen={() => onOpen(index)}
          onRemove={index === 0 ? undefined : () => onChoose(withoutPlace(fresh, index))}
        />
      ))}
      <button type="button" class="option" onClick={() => onOpen('model')}>
        {model ?? s.fresh.default_model}
        {model === undefined && unset.model !== undefined && <span> {unset.model}</span>}
        {effort !== undefined && <span> {t.effort[effort]}</span>}
      </button>
      <button type="button" class="option" onClick={() => onOpen('budget')}>
        {budget_usd === undefined ? s.fresh.default_budget : s.fresh.up_to(format.money(budget_usd))}
        {budget_usd === undefined && unset.budget_usd !== undefined && <span> {format.money(unset.budget_usd)}</span>}
      </button>
      <Switch on={plan_first} name={s.fresh.plan_first} onTurn={(on) => onChoose({ plan_first: on })} />
      <Switch
        on={fresh.ask_before_push ?? unset.ask_before_push}
        name={s.project.ask_before_push}
        onTurn={(on) => onChoose({ ask_before_push: on === unset.ask_before_push ? undefined : on })}
      />
      <AttachButton files={files} />
    </div>
  );
}

type SwitchProps = { on: boolean; name: string; onTurn: (on: boolean) => void };

function Switch({ on, name, onTurn }: SwitchProps): JSX.Element {
  return (
    <button type="button" class="option" aria-pressed={on} onClick={() => onTurn(!on)}>
      {name}
    </button>
  );
}

type PlaceChipProps = { place: Place; onOpen: () => void; onRemove: (() => void) | undefined };

function PlaceChip({ place, onOpen, onRemove }: PlaceChipProps): JSX.Element {
  const { base_branch, push_to } = place;
  const name = placeName(place);
  const chip = (
    <button type="button" class={name === undefined ? 'option missing' : 'option'} onClick={onOpen}>
      {name ?? s.fresh.choose}
      {name !== undefined && base_branch !== undefined && <span> {base_branch}</span>}
      {name !== undefined && push_to !== undefined && <span> → {push_to}</span>}
    </button>
  );
  if (!onRemove) return chip;
  return (
    <span class="removable">
      {chip}
      <button type="button" class="quiet" aria-label={t.attach.remove(name ?? '')} onClick={onRemove}>
        ✕
      </button>
    </span>
  );
}
