import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { OCCASIONS } from '../../../../protocol/without-schemas.ts';
import type { ChannelCreate, ChannelCreated, Occasion } from '../../../../protocol/notifications.ts';
import { useSession } from '../../parts/context.ts';
import { CopyLink } from '../../parts/copy-link.tsx';
import { fieldsOf } from '../../parts/form.ts';
import { Sheet } from '../../parts/screen.tsx';
import { locale, t } from '../../parts/speech.ts';
import { s } from '../screen-speech.ts';
import { refusalWords } from '../refusal-words.ts';
import { OccasionChoice } from './occasion-choice.tsx';

type Kind = 'webhook' | 'ntfy';

const NTFY_SERVER = 'https://ntfy.sh';

/** Adds a webhook or an ntfy topic. The key of a webhook shows once. */
export function AddChannel({ kind, onClose }: { kind: Kind; onClose: () => void }): JSX.Element {
  const { push } = useSession();
  const made = useSignal<ChannelCreated | undefined>(undefined);
  const [fault, sends] = [useSignal(''), useSignal(false)];
  const occasions = useSignal<readonly Occasion[]>(OCCASIONS);
  const is_written = useSignal(false);
  const add = (form: HTMLFormElement): void => {
    [fault.value, sends.value] = ['', true];
    push
      .add(read(form, kind, occasions.value))
      .then((added) => {
        if (added.secret === null) onClose();
        else made.value = added;
      })
      .catch((error: unknown) => (fault.value = refusalWords(error)))
      .finally(() => (sends.value = false));
  };
  const title = s.notify.add[kind];
  if (made.value) return <Secret made={made.value} title={title} onClose={onClose} />;
  return (
    <Sheet label={title} onClose={onClose} holds={is_written.value}>
      <h2>{title}</h2>
      <form
        onInput={() => (is_written.value = true)}
        onSubmit={(event) => {
          event.preventDefault();
          add(event.currentTarget);
        }}
      >
        {kind === 'webhook' ? <WebhookFields /> : <NtfyFields />}
        <SharedFields />
        <OccasionChoice
          legend={s.notify.tell_when}
          chosen={occasions.value}
          onChange={(chosen) => (occasions.value = chosen)}
        />
        <p class="fault" role="alert">
          {fault.value}
        </p>
        <button type="submit" class="primary" disabled={sends.value}>
          {s.notify.add_now}
        </button>
        <button type="button" class="choice" onClick={onClose}>
          {t.cancel}
        </button>
      </form>
    </Sheet>
  );
}

function SharedFields(): JSX.Element {
  const session = useSession();
  useEffect(() => void session.readProjects(), [session]);
  return (
    <>
      <label class="field">
        <span>{s.notify.name}</span>
        <input name="name" maxLength={100} placeholder={s.notify.name_absent} />
      </label>
      <label class="field">
        <span>{s.notify.project}</span>
        <select name="project_id">
          <option value="">{s.notify.all_projects}</option>
          {session.projects.value?.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}

function WebhookFields(): JSX.Element {
  return (
    <label class="field">
      <span>{s.notify.url}</span>
      <input name="url" type="url" required autocapitalize="none" placeholder="https://" />
    </label>
  );
}

function NtfyFields(): JSX.Element {
  return (
    <>
      <label class="field">
        <span>{s.notify.topic}</span>
        <input name="topic" required pattern="[\-_A-Za-z0-9]{1,64}" autocapitalize="none" autocomplete="off" />
        <small>{s.notify.topic_hint}</small>
      </label>
      <label class="field">
        <span>{s.notify.server}</span>
        <input name="server" type="url" autocapitalize="none" placeholder={NTFY_SERVER} />
      </label>
      <label class="field">
        <span>{s.notify.token}</span>
        <input name="token" type="password" autocomplete="off" />
      </label>
    </>
  );
}

/** What was filled in. The server checks it, and its refusal names the field. */
function read(form: HTMLFormElement, kind: Kind, chosen: readonly Occasion[]): ChannelCreate {
  const fields = Object.fromEntries(Object.entries(fieldsOf(form)).filter(([, text]) => text !== ''));
  const { name, project_id, url = '', topic = '', server = NTFY_SERVER, token } = fields;
  const host = new URL(kind === 'webhook' ? url : server).host;
  const shared = { occasions: [...chosen], ...(project_id !== undefined && { project_id }) };
  if (kind === 'webhook') return { kind, url, name: name ?? host.slice(0, 100), ...shared };
  const language = locale.startsWith('de') ? 'de' : 'en';
  const known = { server, topic, language, ...(token !== undefined && { token }) } as const;
  return { kind, ...known, name: name ?? `${host}/${topic}`.slice(0, 100), ...shared };
}

type SecretProps = { made: ChannelCreated; title: string; onClose: () => void };

function Secret({ made: { secret }, title, onClose }: SecretProps): JSX.Element {
  return (
    <Sheet label={title} onClose={onClose}>
      <h2>{s.notify.secret}</h2>
      <p>{s.notify.secret_hint}</p>
      <p class="link-text">{secret}</p>
      <CopyLink link={secret ?? ''} class="choice main" />
      <button type="button" class="choice" onClick={onClose}>
        {t.close}
      </button>
    </Sheet>
  );
}
