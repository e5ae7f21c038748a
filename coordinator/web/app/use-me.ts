import { useSignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { Me as Account, User } from '../../../protocol/accounts.ts';
import { useSession } from '../parts/context.ts';
import { useRead } from '../parts/use-read.ts';

/** The name of the stored text. */
const ROLE = 'role';

type Me = {
  /** The account as the server has it; undefined until it says so. */
  me: Signal<Account | undefined>;
  /** Without the server as this device was told last. `unknown`: it never was. Undefined: nothing is read yet. */
  role: Signal<User['role'] | 'unknown' | undefined>;
  read: () => void;
};

/** Who is logged in. */
export function useMe(): Me {
  const { client, texts } = useSession();
  const me: Me['me'] = useSignal(undefined);
  const role: Me['role'] = useSignal(undefined);
  const keep = async (now: User['role']): Promise<void> => {
    if ((await texts.read(ROLE)) !== now) await texts.write(ROLE, now);
  };
  const readKept = async (): Promise<void> => {
    const kept = await texts.read(ROLE);
    if (kept === 'owner' || kept === 'member') role.value ??= kept;
  };
  const read = (): void => {
    client.call('me', {}).then(
      (now) => {
        [me.value, role.value] = [now, now.role];
        // A device without room reads it again the next time.
        keep(now.role).catch(() => undefined);
      },
      () =>
        void readKept()
          .catch(() => undefined)
          .then(() => (role.value ??= 'unknown')),
    );
  };
  useEffect(() => void readKept().catch(() => undefined), [texts]);
  useRead(read, [client]);
  return { me, role, read };
}
