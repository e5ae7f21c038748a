import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Router } from '../store/router.ts';
import type { Session } from '../store/session.ts';
import type { Store } from '../store/store.ts';

/** What every component may use. `session` exists only below the log-in. */
export type Parts = { store: Store; router: Router; session?: Session };

export const PartsContext = createContext<Parts | undefined>(undefined);

function useParts(): Parts {
  const parts = useContext(PartsContext);
  if (!parts) throw new Error('There is no context of the app here.');
  return parts;
}

export const useStore = (): Store => useParts().store;
export const useRouter = (): Router => useParts().router;

export function useSession(): Session {
  const { session } = useParts();
  if (!session) throw new Error('Nobody is logged in here.');
  return session;
}
