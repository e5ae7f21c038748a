import { useSignal } from '@preact/signals';
import type { Project } from '../../../../protocol/api.ts';
import { useSession } from '../../parts/context.ts';
import { useRead } from '../../parts/use-read.ts';
import { faultWords } from '../../parts/words.ts';
import { pruneForms } from '../form-draft.tsx';

type Projects = {
  /** As the device knows them, and then as the server does; undefined: none are known. */
  projects: readonly Project[] | undefined;
  /** Whether the server's were read. */
  has_read: boolean;
  /** Why the server's could not be read; empty if they could, or still are. */
  fault: string;
};

/** The projects. */
export function useProjects(): Projects {
  const session = useSession();
  const has_read = useSignal(false);
  const fault = useSignal('');
  const read = async (): Promise<void> => {
    const failure = await session.readProjects();
    has_read.value ||= !failure;
    fault.value = failure ? faultWords(failure) : '';
    if (!failure) await pruneForms(session.texts, 'project', session.projects.value ?? []);
  };
  useRead(() => void read(), [session]);
  return { projects: session.projects.value, has_read: has_read.value, fault: fault.value };
}
