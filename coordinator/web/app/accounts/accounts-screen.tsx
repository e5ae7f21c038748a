import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { LinkedAccount, SignInWay } from '../../../../protocol/forges.ts';
import { useSession } from '../../parts/context.ts';
import { ReadState } from '../../parts/read-state.tsx';
import { Confirm, Screen } from '../../parts/screen.tsx';
import { useRead } from '../../parts/use-read.ts';
import { pathOf } from '../../store/routes.ts';
import { useLinking } from './linking.tsx';
import { WayName } from './way-name.tsx';
import { signInFault } from './sign-in-fault.ts';
import { s } from '../screen-speech.ts';

type Known = { is_owner: boolean; accounts: readonly LinkedAccount[]; ways: readonly SignInWay[] };

/** The person's accounts at forges and the identity provider: each can be linked, linked again and unlinked. */
export function AccountsScreen(): JSX.Element {
  const { client } = useSession();
  const known = useSignal<Known | undefined>(undefined);
  const unlinking = useSignal<LinkedAccount | undefined>(undefined);
  const fault = useSignal('');
  const failed = (error: unknown): void => void (fault.value = signInFault(error));
  const read = (): void => {
    Promise.all([client.call('listLinkedAccounts', {}), client.call('listSignInWays', {}), client.call('me', {})]).then(
      ([{ items: accounts }, { items: ways }, { role }]) =>
        ([known.value, fault.value] = [{ accounts, ways, is_owner: role === 'owner' }, '']),
      failed,
    );
  };
  useRead(read, [client]);
  const linking = useLinking(fault);
  const unlink = ({ id }: LinkedAccount): void => {
    fault.value = '';
    client.call('deleteLinkedAccount', { params: { id } }).then(read).catch(failed);
  };
  const asked = unlinking.value;
  return (
    <Screen title={s.accounts.title} parent={{ name: 'settings' }}>
      <div class="body settings accounts">
        <p class="soft">{s.accounts.lead}</p>
        <ul class="rows devices">
          {known.value?.accounts.map((account) => (
            <AccountRow
              key={account.id}
              account={account}
              onLink={() => linking.link(account.way)}
              onUnlink={() => (unlinking.value = account)}
            />
          ))}
        </ul>
        <ReadState known={known.value !== undefined} fault={fault.value} />
        {known.value?.ways.map((way) => (
          <button key={way.id} type="button" class="choice" onClick={() => linking.link(way.id)}>
            <WayName way={way} text={s.accounts.link} />
          </button>
        ))}
        {known.value?.ways.length === 0 && <NoWays is_owner={known.value.is_owner} />}
        {asked && (
          <Confirm
            title={s.accounts.unlink_title(asked.login)}
            text={s.accounts.unlink_text}
            yes={s.accounts.unlink}
            danger
            onYes={() => unlink(asked)}
            onClose={() => (unlinking.value = undefined)}
          />
        )}
        {known.value && linking.sheet(known.value.ways)}
      </div>
    </Screen>
  );
}

/** Nobody can sign in elsewhere yet: who may change that is told where. */
function NoWays({ is_owner }: { is_owner: boolean }): JSX.Element {
  return (
    <>
      <p class="soft">{s.accounts.none}</p>
      {is_owner && (
        <a class="choice" href={pathOf('owner')}>
          {s.accounts.set_up}
        </a>
      )}
    </>
  );
}

type AccountRowProps = { account: LinkedAccount; onLink: () => void; onUnlink: () => void };

function AccountRow({ account, onLink, onUnlink }: AccountRowProps): JSX.Element {
  const { login, name, fault, install_url } = account;
  return (
    <li>
      <span>
        <b>{login}</b>
        <small class={fault === null ? '' : 'fault'}>{s.accounts[fault === null ? 'works' : 'broken'](name)}</small>
        {fault === null && install_url !== null && (
          <a href={install_url} target="_blank" rel="noreferrer">
            {s.accounts.choose}
          </a>
        )}
      </span>
      <span class="buttons">
        {fault !== null && (
          <button type="button" class="quiet" onClick={onLink}>
            {s.accounts.again}
          </button>
        )}
        <button type="button" class="quiet" onClick={onUnlink}>
          {s.accounts.unlink}
        </button>
      </span>
    </li>
  );
}
