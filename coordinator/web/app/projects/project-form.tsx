import { useSignal } from '@preact/signals';
import type { ComponentChildren, JSX, RefObject, TargetedSubmitEvent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Project } from '../../../../protocol/api.ts';
import type { ProjectWarning } from '../../../../protocol/project-saved.ts';
import { EGRESS } from '../../../../protocol/without-schemas.ts';
import { Refusal } from '../../../client/errors.ts';
import { useFirstFields } from '../../parts/changed-fields.ts';
import { useSession } from '../../parts/context.ts';
import { fieldsOf, type Given } from '../../parts/form.ts';
import { t } from '../../parts/speech.ts';
import { useSameKey } from '../../parts/use-same-key.ts';
import { Unsaved, useFormDraft } from '../form-draft.tsx';
import { useOffer } from '../new-errand/use-offer.ts';
import { fieldWords, refusalWords } from '../refusal-words.ts';
import { fieldsOfProject, readChanges, readProject, TOKEN_REMOVAL } from './project-fields.ts';
import { StoredSecrets } from './stored-secrets.tsx';
import { s } from '../screen-speech.ts';

/** What is never kept on the device. */
const SECRET = ['git_token', 'secrets'];

const NAME_CHARS_MAX = 100;

type FormProps = {
  project: Project | undefined;
  /** What a new project is for, if that is known. */
  repo_url: string | undefined;
  onSaved: (warnings: readonly ProjectWarning[]) => Promise<void>;
};

/** A project's settings. What the server refuses is said at its field. */
export function ProjectForm({ project, repo_url, onSaved }: FormProps): JSX.Element {
  const { client } = useSession();
  const faults = useSignal<Faults>({});
  const saving = useSignal(false);
  // What is read anew while the form is open changes neither its fields nor what they are compared with.
  const before = useRef(fieldsOfProject(project, repo_url)).current;
  const { ref, first } = useFirstFields();
  // A new project whose warnings are shown is changed from then on.
  const id = useRef(project?.id);
  // What was written for one repository is not for another.
  const draft = useFormDraft(`project ${project?.id ?? (repo_url === undefined ? 'new' : `new ${repo_url}`)}`);
  const makeOnce = useSameKey();
  useWrongFirst(ref, faults.value);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const fields = fieldsOf(event.currentTarget);
    const body = readProject(fields);
    saving.value = true;
    faults.value = {};
    const changes = readChanges(first.current, fields);
    const saved =
      id.current === undefined
        ? makeOnce(body, (own) => client.call('createProject', { body }, own))
        : client.call('patchProject', { params: { id: id.current }, body: changes });
    saved
      .then(({ id: own, warnings, coded_warnings }) => {
        [id.current, first.current] = [own, fields];
        draft.saved();
        if (project) clearSecrets(ref.current, fields);
        return onSaved(coded_warnings ?? warnings.map((text) => ({ code: 'other', params: {}, text })));
      })
      .catch((error: unknown) => (faults.value = faultsOf(error, ref.current)))
      .finally(() => (saving.value = false));
  };
  return (
    <form
      ref={ref}
      onSubmit={submit}
      onInput={({ currentTarget }) => {
        // What a new project has become since has no draft: the next new one would show it.
        if (id.current === project?.id) draft.keep(currentTarget, first.current, SECRET);
      }}
    >
      <Unsaved draft={draft} />
      <Fields key={draft.shown} project={project} before={{ ...before, ...draft.kept }} faults={faults.value} />
      <p class="fault" role="alert">
        {faults.value['']}
      </p>
      <button type="submit" class="primary" disabled={saving.value}>
        {saving.value ? t.access.working : t.save}
      </button>
    </form>
  );
}

/** Empties the field of the secrets, which are stored now. What was written while they were saved stays. */
function clearSecrets(form: HTMLFormElement | null, saved: Given): void {
  const field = form?.elements.namedItem('secrets');
  if (field instanceof HTMLTextAreaElement && field.value === saved['secrets']) field.value = '';
}

/** Goes to the first field that is wrong, once the form says which. */
function useWrongFirst({ current }: RefObject<HTMLFormElement | null>, faults: Faults): void {
  useEffect(() => current?.querySelector<HTMLElement>('.wrong :is(input, select, textarea)')?.focus(), [faults]);
}

type Faults = Partial<Record<string, string>>;

type FieldsProps = { project: Project | undefined; before: Given; faults: Faults };

function Fields({ project, before, faults }: FieldsProps): JSX.Element {
  const egress = useSignal(before['egress'] ?? 'registries');
  const stored = project?.secret_names ?? [];
  const field = (name: string) => ({ name, before: before[name] ?? '', fault: faults[name] });
  return (
    <>
      <Text {...field('name')} label={s.project.name} maxLength={NAME_CHARS_MAX} required />
      <Text {...field('repo_url')} label={s.project.repo} hint={s.project.repo_hint} required />
      <Text
        {...field('git_token')}
        type="password"
        label={s.project.token}
        hint={project?.has_git_token === true ? s.project.token_set : s.project.token_hint}
      />
      {project?.has_git_token === true && <Check {...field(TOKEN_REMOVAL)} label={s.project.remove_token} />}
      <Text {...field('base_branch')} label={s.project.branch} placeholder={s.fresh.default_branch} />
      <Lines {...field('setup_command')} label={s.project.setup} hint={s.project.setup_hint} />
      <Lines {...field('verify_command')} label={s.project.verify} hint={s.project.verify_hint} />
      <Prose {...field('instructions')} label={s.project.instructions} hint={s.project.instructions_hint} />
      <ImageChoice {...field('image')} />
      <Text {...field('budget_usd')} type="number" label={s.project.budget} placeholder={s.fresh.default} />
      <Text {...field('model')} label={s.project.model} placeholder={s.fresh.default_model} />
      <Field label={s.project.network} fault={faults['egress']}>
        <select
          name="egress"
          value={egress.value}
          onChange={({ currentTarget }) => (egress.value = currentTarget.value)}
        >
          {EGRESS.map((option) => (
            <option key={option} value={option}>
              {s.project.egress[option]}
            </option>
          ))}
        </select>
      </Field>
      <Choice {...field('pull_requests')} label={s.pulls.wanted} words={s.pulls.kinds} />
      <Choice {...field('pull_author')} label={s.pulls.author} hint={s.pulls.author_hint} words={s.pulls.authors} />
      <Check {...field('ask_before_push')} label={s.project.ask_before_push} />
      <Check {...field('ask_at_budget')} label={s.project.ask_at_budget} />
      <Check {...field('mentions')} label={s.project.mentions} />
      <Check {...field('follow_up')} label={s.project.follow_up} />
      {egress.value === 'list' && <Lines {...field('egress_hosts')} label={s.project.hosts} />}
      {before['allowed_hosts'] !== undefined && before['allowed_hosts'] !== '' && (
        <Lines {...field('allowed_hosts')} label={s.project.allowed_hosts} />
      )}
      <StoredSecrets names={stored} before={before} />
      <Lines
        {...field('secrets')}
        label={stored.length > 0 ? s.project.more_secrets : s.project.secrets}
        hint={stored.length > 0 ? s.project.more_secrets_hint : s.project.secrets_hint}
      />
    </>
  );
}

/** What is wrong by field; under no name what belongs to none, or to one that the form does not show. */
function faultsOf(error: unknown, form: HTMLFormElement | null): Faults {
  if (!(error instanceof Refusal) || error.errors.length === 0) return { '': refusalWords(error) };
  const by_field = error.errors.map((wrong) => {
    const [, name = '', ...within] = wrong.field.split('/');
    return [name, [...within, fieldWords(wrong)].join(': ')] as const;
  });
  const shown = new Set([...(form?.querySelectorAll('.field [name]') ?? [])].map((own) => own.getAttribute('name')));
  const is_shown = by_field.every(([name]) => shown.has(name));
  return { ...Object.fromEntries(by_field), '': is_shown ? '' : refusalWords(error) };
}

type FieldProps = { label: string; hint?: string; fault: string | undefined; children: ComponentChildren };

function Field({ label, hint, fault, children }: FieldProps): JSX.Element {
  return (
    <label class={fault === undefined ? 'field' : 'field wrong'}>
      <span>{label}</span>
      {children}
      {fault !== undefined && <span class="fault">{fault}</span>}
      {hint !== undefined && <small>{hint}</small>}
    </label>
  );
}

type OwnProps = { name: string; before: string; fault: string | undefined; label: string; hint?: string };
type TextProps = OwnProps & {
  type?: 'text' | 'password' | 'number';
  placeholder?: string;
  required?: boolean;
  maxLength?: number;
};

function Text({
  name,
  before,
  type = 'text',
  placeholder,
  required = false,
  maxLength,
  ...rest
}: TextProps): JSX.Element {
  const common = {
    name,
    defaultValue: before,
    placeholder,
    required,
    maxLength,
    autocomplete: 'off',
    autocapitalize: 'none',
  } as const;
  return (
    <Field {...rest}>
      {type === 'password' && <input {...common} type="password" autocomplete="new-password" />}
      {type === 'number' && <input {...common} type="number" step="0.01" min="0.01" />}
      {type === 'text' && <input {...common} type="text" />}
    </Field>
  );
}

function Check({ name, before, label, fault }: OwnProps): JSX.Element {
  return (
    <label class={fault === undefined ? 'check' : 'check wrong'}>
      <input type="checkbox" name={name} value="yes" defaultChecked={before === 'yes'} />
      <span>{label}</span>
    </label>
  );
}

function Choice({ name, before, words, ...rest }: OwnProps & { words: Record<string, string> }): JSX.Element {
  return (
    <Field {...rest}>
      <select name={name}>
        {Object.entries(words).map(([value, text]) => (
          <option key={value} value={value} selected={value === before}>
            {text}
          </option>
        ))}
      </select>
    </Field>
  );
}

/** Only where there is a choice: the server offers images, or the project has one that it offered before. */
function ImageChoice({ before, ...rest }: Omit<OwnProps, 'label'>): JSX.Element | null {
  const images = useOffer()?.images;
  const others = (images ?? []).map((name) => [name, name] as const);
  const own =
    before === '' ? [] : [[before, images?.includes(before) === false ? s.project.no_image(before) : before] as const];
  const words = Object.fromEntries([
    ['', s.project.default_image] as const,
    ...own,
    ...others.filter(([name]) => name !== before),
  ]);
  if (Object.keys(words).length === 1) return null;
  return <Choice {...rest} before={before} label={s.project.image} hint={s.project.image_hint} words={words} />;
}

function Prose({ name, before, ...rest }: OwnProps): JSX.Element {
  return (
    <Field {...rest}>
      <textarea name={name} class="lines" rows={2} autocomplete="off" defaultValue={before} />
    </Field>
  );
}

function Lines({ name, before, ...rest }: OwnProps): JSX.Element {
  return (
    <Field {...rest}>
      <textarea
        name={name}
        class="lines"
        rows={2}
        autocapitalize="none"
        autocomplete="off"
        spellcheck={false}
        defaultValue={before}
      />
    </Field>
  );
}
