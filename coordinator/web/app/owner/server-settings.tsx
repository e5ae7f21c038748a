import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { SettingInForce } from '../../../../protocol/server.ts';
import { useSession } from '../../parts/context.ts';
import { ReadState } from '../../parts/read-state.tsx';
import { useRead } from '../../parts/use-read.ts';
import { faultWords } from '../../parts/words.ts';
import { s } from '../screen-speech.ts';

/** The settings that the server runs by, by subject. They are changed in its environment, not here. */
export function ServerSettings(): JSX.Element {
  const { client } = useSession();
  const settings = useSignal<readonly SettingInForce[] | undefined>(undefined);
  const fault = useSignal('');
  const read = (): void => {
    client.call('listSettings', {}).then(
      ({ items }) => ([settings.value, fault.value] = [items, '']),
      (error: unknown) => (fault.value = faultWords(error)),
    );
  };
  useRead(read, [client]);
  const groups = Map.groupBy(settings.value ?? [], ({ group }) => group);
  return (
    <>
      <ReadState known={settings.value !== undefined} fault={fault.value} />
      <p class="soft">{s.owner.settings_hint}</p>
      {[...groups].map(([group, items]) => (
        <details key={group}>
          <summary>
            {s.owner.group(group)}
            <small>{s.owner.changed(items.filter(({ source }) => source === 'environment').length)}</small>
          </summary>
          <dl class="in-force">
            {items.map((setting) => (
              <Setting key={setting.name} setting={setting} />
            ))}
          </dl>
        </details>
      ))}
    </>
  );
}

function Setting({ setting: { name, value, secret, source, meaning } }: { setting: SettingInForce }): JSX.Element {
  const is_set = source === 'environment';
  return (
    <div>
      <dt>
        <code>{name}</code>
        <small>{is_set ? s.owner.from_environment : s.owner.from_default}</small>
      </dt>
      <dd>
        <span class={is_set ? 'set' : 'soft'}>{secret && is_set ? s.owner.secret : (value ?? s.owner.not_set)}</span>
        <small lang="en">{meaning.replaceAll('`', '')}</small>
      </dd>
    </div>
  );
}
