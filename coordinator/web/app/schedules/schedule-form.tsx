import { useSignal } from '@preact/signals';
import type { JSX, TargetedSubmitEvent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Project } from '../../../../protocol/api.ts';
import type { Schedule } from '../../../../protocol/schedules.ts';
import { chosen, EFFORTS } from '../../../../protocol/without-schemas.ts';
import { Refusal } from '../../../client/errors.ts';
import { changesOf, useFirstFields } from '../../parts/changed-fields.ts';
import { useSession } from '../../parts/context.ts';
import { fieldsOf, type Given } from '../../parts/form.ts';
import { t } from '../../parts/speech.ts';
import { useSameKey } from '../../parts/use-same-key.ts';
import { firstLine } from '../../parts/words.ts';
import { refusalWords } from '../refusal-words.ts';
import { Unsaved, useFormDraft } from '../form-draft.tsx';
import { furtherText, readFurther } from './further.ts';
import { DueTimes, useNextDue } from './next-times.tsx';
import { TimingFields } from './timing-fields.tsx';
import { cronOf, FIRST, timingOf } from './timing.ts';
import { OWN_ZONE, s } from './words.ts';

const NAME_CHARS_MAX = 100;
/** Stands for a repository that belongs to no project. */
const OTHER = '-';

type FormProps = { schedule: Schedule | undefined; onSaved: (schedule: Schedule) => void };

/** What a schedule does, where and when. */
export function ScheduleForm({ schedule: now, onSaved }: FormProps): JSX.Element {
  const { client, projects } = useSession();
  // What is read anew while the form is open changes neither its fields nor what they are compared with.
  const schedule = useRef(now).current;
  const { ref, first } = useFirstFields();
  const fault = useSignal('');
  const saving = useSignal(false);
  const draft = useFormDraft(`schedule ${schedule?.id ?? 'new'}`);
  const makeOnce = useSameKey();
  // The projects may have been read since the first drawing.
  const before = (): Given => ({
    ...first.current,
    place: placeOf(schedule),
    also: alsoOf(schedule, projects.value ?? []),
  });
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const form = event.currentTarget;
    const known = projects.value ?? [];
    const shared = readFields(fieldsOf(form), known);
    const body = withoutEmpty(shared);
    saving.value = true;
    fault.value = '';
    const changes = changesOf(readFields(before(), known), withName(shared));
    const saved = schedule
      ? client.call('patchSchedule', { params: { id: schedule.id }, body: changes })
      : makeOnce(body, (own) => client.call('createSchedule', { body }, own));
    saved
      .then((made) => {
        draft.saved();
        onSaved(made);
      })
      .catch((error: unknown) => {
        if (!leadsToCron(form, error)) fault.value = refusalWords(error);
      })
      .finally(() => (saving.value = false));
  };
  return (
    <form
      ref={ref}
      onSubmit={submit}
      onInput={({ currentTarget }) => {
        fault.value = '';
        draft.keep(currentTarget, before());
      }}
    >
      <Unsaved draft={draft} />
      <Fields key={draft.shown} shown={{ ...fieldsOfSchedule(schedule), ...draft.kept }} schedule={schedule} />
      <p class="fault" role="alert">
        {fault.value}
      </p>
      <button type="submit" class="primary" disabled={saving.value}>
        {saving.value ? t.access.working : t.save}
      </button>
    </form>
  );
}

/** Goes to the cron expression if that is what was refused: its field says why. */
function leadsToCron(form: HTMLFormElement, error: unknown): boolean {
  const typed = form.querySelector<HTMLElement>('.timing .mono');
  if (!typed || !(error instanceof Refusal) || error.errors.every(({ field }) => field !== '/cron')) return false;
  typed.focus();
  return true;
}

type FieldsProps = { shown: Given; schedule: Schedule | undefined };

function Fields({ shown, schedule }: FieldsProps): JSX.Element {
  return (
    <>
      <label class="field">
        <span>{s.prompt}</span>
        <textarea name="prompt" rows={4} required placeholder={s.prompt_hint} defaultValue={shown['prompt'] ?? ''} />
      </label>
      <Place shown={shown} />
      <FurtherPlaces shown={shown} schedule={schedule} />
      <When shown={shown} />
      <label class="field">
        <span>{s.name}</span>
        <input name="name" maxLength={NAME_CHARS_MAX} autocomplete="off" defaultValue={shown['name'] ?? ''} />
        <small>{s.name_hint}</small>
      </label>
      <More shown={shown} />
    </>
  );
}

/** A project, or the address of a repository. */
function Place({ shown }: { shown: Given }): JSX.Element {
  const projects = useSession().projects.value ?? [];
  const place = useSignal(shown['place'] ?? '');
  return (
    <>
      <label class="field">
        <span>{s.where}</span>
        <select
          name="place"
          required
          value={place.value}
          onChange={({ currentTarget }) => (place.value = currentTarget.value)}
        >
          <option value="" disabled>
            {s.choose}
          </option>
          {projects.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
          <option value={OTHER}>{s.other}</option>
        </select>
      </label>
      {place.value === OTHER && (
        <label class="field">
          <span>{s.address}</span>
          <input
            name="repo_url"
            inputMode="url"
            required
            autocapitalize="none"
            autocomplete="off"
            defaultValue={shown['repo_url'] ?? ''}
          />
        </label>
      )}
    </>
  );
}

/** The further repositories, each on a line of its own. */
function FurtherPlaces({ shown, schedule }: FieldsProps): JSX.Element {
  const projects = useSession().projects.value ?? [];
  const typed = useSignal(shown['also']);
  return (
    <label class="field">
      <span>{s.also}</span>
      <textarea
        name="also"
        class="lines"
        rows={2}
        autocapitalize="none"
        autocomplete="off"
        spellcheck={false}
        value={typed.value ?? alsoOf(schedule, projects)}
        onInput={({ currentTarget }) => (typed.value = currentTarget.value)}
      />
      <small>{s.also_hint}</small>
    </label>
  );
}

/** The timing has no field of its own: the form reads it from hidden ones. */
function When({ shown: { cron: before, time_zone = OWN_ZONE } }: { shown: Given }): JSX.Element {
  const timing = useSignal(before === undefined ? FIRST : timingOf(before));
  const zone = useSignal(time_zone);
  const field = useRef<HTMLInputElement>(null);
  const cron = cronOf(timing.value);
  const next = useNextDue({ cron, time_zone: zone.value });
  const is_drawn = useRef(false);
  useEffect(() => {
    // Nobody has written anything as it is drawn first.
    if (is_drawn.current) field.current?.dispatchEvent(new Event('input', { bubbles: true }));
    is_drawn.current = true;
  }, [cron, zone.value]);
  return (
    <>
      <TimingFields timing={timing} zone={zone} fault={next.fault} />
      {next.fault === '' && <DueTimes times={next.times} time_zone={zone.value} />}
      <input ref={field} type="hidden" name="cron" value={cron} />
      <input type="hidden" name="time_zone" value={zone.value} />
    </>
  );
}

function More({ shown }: { shown: Given }): JSX.Element {
  return (
    <details>
      <summary>{s.more}</summary>
      <label class="field">
        <span>{s.model}</span>
        <input
          name="model"
          placeholder={s.default}
          autocapitalize="none"
          autocomplete="off"
          defaultValue={shown['model'] ?? ''}
        />
      </label>
      <label class="field">
        <span>{s.effort}</span>
        <select name="effort" defaultValue={shown['effort'] ?? ''}>
          <option value="">{s.default}</option>
          {EFFORTS.map((effort) => (
            <option key={effort} value={effort} selected={effort === shown['effort']}>
              {t.effort[effort]}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>{s.budget}</span>
        <input
          name="budget_usd"
          type="number"
          step="0.01"
          min="0.01"
          placeholder={s.default}
          defaultValue={shown['budget_usd'] ?? ''}
        />
      </label>
    </details>
  );
}

/** What the form shows at first, but for the further repositories: their projects are not known yet. */
function fieldsOfSchedule(schedule: Schedule | undefined): Given {
  if (!schedule) return {};
  return {
    prompt: schedule.prompt,
    place: placeOf(schedule),
    repo_url: schedule.repo_url ?? '',
    cron: schedule.cron,
    time_zone: schedule.time_zone,
    name: schedule.name,
    model: schedule.model ?? '',
    effort: schedule.effort ?? '',
    budget_usd: schedule.budget_usd === null ? '' : String(schedule.budget_usd),
  };
}

function placeOf(schedule: Schedule | undefined): string {
  return schedule?.project_id ?? (typeof schedule?.repo_url === 'string' ? OTHER : '');
}

function alsoOf(schedule: Schedule | undefined, projects: readonly Project[]): string {
  return furtherText(schedule?.repositories ?? [], projects);
}

function readFields(given: Given, projects: readonly Project[]) {
  const { place = '', repo_url = '', prompt = '' } = given;
  return {
    name: given['name']?.trim() ?? '',
    prompt,
    ...(place === OTHER ? { repo_url: repo_url.trim() } : { project_id: place }),
    repositories: readFurther(given['also'] ?? '', projects),
    cron: given['cron'] ?? '',
    time_zone: given['time_zone'] ?? '',
    model: given['model']?.trim() || null,
    effort: chosen(EFFORTS, given['effort']) ?? null,
    budget_usd: given['budget_usd'] ? Number(given['budget_usd']) : null,
  };
}

type Read = ReturnType<typeof readFields>;

/** What a new schedule is given. */
function withoutEmpty({ name, model, effort, budget_usd, ...rest }: Read) {
  return {
    ...rest,
    ...(name && { name }),
    ...(model && { model }),
    ...(effort && { effort }),
    ...(budget_usd && { budget_usd }),
  };
}

/** A schedule keeps no empty name. */
function withName({ name, ...rest }: Read): Read {
  return { ...rest, name: name || Array.from(firstLine(rest.prompt)).slice(0, NAME_CHARS_MAX).join('') };
}
