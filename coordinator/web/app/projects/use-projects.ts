import { useSignal } from '@preact/signals';
import type { Project } from '../../../../protocol/api.ts';
import { useSession } from '../../parts/context.ts';
import { useRead } from '../../parts/use-read.ts';
import { faultWords } from '../../parts/words.ts';

/**
 * The projects, as the device knows them and then as the server does; undefined: none are known. `fault`: why the
 * server's could not be read; empty once they were.
 */
export function useProjects(): { projects: readonly Project[] | undefined; fault: string | undefined } {
  const session = useSession();
  const fault = useSignal<string | undefined>(undefined);
  const read = async (): Promise<void> => {
    const failure = await session.readProjects();
    fault.value = failure ? faultWords(failure) : '';
  };
  useRead(() => void read(), [session]);
  return { projects: session.projects.value, fault: fault.value };
}
