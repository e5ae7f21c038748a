import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Forge, ForgeAppStarted } from '../../../../protocol/forges.ts';
import { useSession } from '../../parts/context.ts';
import { ReadState } from '../../parts/read-state.tsx';
import { Confirm } from '../../parts/screen.tsx';
import { useRead } from '../../parts/use-read.ts';
import { keepSignIn } from '../../store/pending-sign-in.ts';
import { signInFault } from './sign-in-fault.ts';
import { s } from '../screen-speech.ts';

/** The forges that the server knows. One button makes a GitHub App of its own. */
export function Forges(): JSX.Element {
  const { client } = useSession();
  const forges = useSignal<readonly Forge[] | undefined>(undefined);
  const forgetting = useSignal<Forge | undefined>(undefined);
  const fault = useSignal('');
  const failed = (error: unknown): void => void (fault.value = signInFault(error));
  const read = (): void => {
    client.call('listForges', {}).then(({ items }) => ([forges.value, fault.value] = [items, '']), failed);
  };
  useRead(read, [client]);
  const make = (id: string, organization: string, is_public: boolean): void => {
    fault.value = '';
    const body = { ...(organization !== '' && { organization }), ...(is_public && { public: true }) };
    client.call('startForgeApp', { params: { id }, body }).then(postForm).catch(failed);
  };
  const forget = ({ id }: Forge): void => {
    client.call('deleteForgeApp', { params: { id } }).then(read).catch(failed);
  };
  const asked = forgetting.value;
  return (
    <>
      <p class="soft">{s.accounts.forges_lead}</p>
      <ul class="rows devices">
        {forges.value?.map((forge) => (
          <ForgeRow key={forge.id} forge={forge} onForget={() => (forgetting.value = forge)} />
        ))}
      </ul>
      <ReadState known={forges.value !== undefined} fault={fault.value} />
      {forges.value
        ?.filter(({ can_make_app }) => can_make_app)
        .map(({ id }) => (
          <MakeApp key={id} onMake={(...wish) => make(id, ...wish)} />
        ))}
      {asked && (
        <Confirm
          title={s.accounts.forget_title}
          text={s.accounts.forget_text}
          yes={s.accounts.forget}
          danger
          onYes={() => forget(asked)}
          onClose={() => (forgetting.value = undefined)}
        />
      )}
    </>
  );
}

function MakeApp({ onMake }: { onMake: (organization: string, is_public: boolean) => void }): JSX.Element {
  const organization = useSignal('');
  const is_public = useSignal(false);
  return (
    <div>
      <label class="field">
        <span>{s.accounts.who_uses_it}</span>
        <select onChange={({ currentTarget }) => (is_public.value = currentTarget.value === 'others')}>
          <option value="own">{s.accounts.only_own}</option>
          <option value="others">{s.accounts.others_too}</option>
        </select>
      </label>
      <button type="button" class="choice" onClick={() => onMake(organization.value.trim(), is_public.value)}>
        {s.accounts.make_app}
      </button>
      <details>
        <summary>{s.accounts.for_organization}</summary>
        <label class="field">
          <span>{s.accounts.organization}</span>
          <input autocapitalize="none" onInput={({ currentTarget }) => (organization.value = currentTarget.value)} />
        </label>
      </details>
    </div>
  );
}

function ForgeRow({ forge, onForget }: { forge: Forge; onForget: () => void }): JSX.Element {
  const { origin, registered, app_slug, install_url, app_fault } = forge;
  const states = { settings: s.accounts.by_settings, app: s.accounts.has_app(app_slug ?? ''), no: s.accounts.no_app };
  return (
    <li>
      <span>
        <b>{new URL(origin).host}</b>
        <small>{states[registered]}</small>
        {app_fault && <small class="fault">{s.accounts.app_refused}</small>}
        {install_url !== null && (
          <a href={install_url} target="_blank" rel="noreferrer">
            {s.accounts.install}
          </a>
        )}
        {registered === 'app' && <small>{s.accounts.device_flow}</small>}
      </span>
      {registered === 'app' && (
        <button type="button" class="quiet" onClick={onForget}>
          {s.accounts.forget}
        </button>
      )}
    </li>
  );
}

/** GitHub takes the manifest only as a form that the owner's browser posts. */
function postForm({ action, manifest, flow }: ForgeAppStarted): void {
  keepSignIn({ flow, purpose: 'app' });
  const form = document.createElement('form');
  Object.assign(form, { method: 'post', action });
  const field = document.createElement('input');
  Object.assign(field, { type: 'hidden', name: 'manifest', value: manifest });
  form.append(field);
  document.body.append(form);
  form.submit();
}
