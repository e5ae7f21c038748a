import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Project } from '../../../../protocol/api.ts';
import type { ProjectWarning } from '../../../../protocol/project-saved.ts';
import { useRouter, useSession } from '../../parts/context.ts';
import { ReadState } from '../../parts/read-state.tsx';
import { Confirm, Screen } from '../../parts/screen.tsx';
import { faultWords } from '../../parts/words.ts';
import { hasCredential } from '../new-errand/address-in.ts';
import { s } from '../screen-speech.ts';
import { ProjectForm } from './project-form.tsx';
import { useProjects } from './use-projects.ts';

/** One project, or a new one if there is no id. */
export function ProjectScreen({ id }: { id: string }): JSX.Element {
  const session = useSession();
  const router = useRouter();
  const { projects, has_read, fault } = useProjects();
  const known = projects?.find((each) => each.id === id);
  // A form with what the device knows, which may be of long ago, would bring that back.
  const project = has_read ? known : undefined;
  const is_new = id === '';
  // A link may name the repository. What is written is kept under its address: no token may be in that.
  const linked = useRef(is_new ? router.place.peek().query.get('repo') : null).current ?? undefined;
  const repo_url = linked !== undefined && hasCredential(linked) ? undefined : linked;
  const warnings = useSignal<readonly ProjectWarning[]>([]);
  const leave = router.unlessGone(() => router.back('projects'));
  const saved = async (found: readonly ProjectWarning[]): Promise<void> => {
    await session.readProjects();
    warnings.value = found;
    if (found.length === 0) leave();
  };
  return (
    <Screen title={known?.name ?? (is_new ? s.project.new : s.project.title)} parent={{ name: 'projects' }}>
      <div class="body settings">
        {!project && !is_new && <ReadState known={false} fault={has_read ? s.project.gone : fault} />}
        {(project ?? is_new) && <ProjectForm key={id} project={project} repo_url={repo_url} onSaved={saved} />}
        <Warnings of={warnings.value} />
        {project && <DeleteProject project={project} />}
      </div>
    </Screen>
  );
}

/** What cannot work as the project was saved. It is below the form, where its button was touched. */
function Warnings({ of: warnings }: { of: readonly ProjectWarning[] }): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (warnings.length > 0) place.current?.scrollIntoView({ block: 'center' });
  }, [warnings]);
  return (
    <div ref={place} class="saved-but" role="status">
      {warnings.length > 0 && <p>{s.project.saved_but}</p>}
      {warnings.map((warning) => (
        <p key={warning.text} class="card">
          {s.project.warning(warning)}
        </p>
      ))}
    </div>
  );
}

function DeleteProject({ project: { id } }: { project: Project }): JSX.Element {
  const session = useSession();
  const router = useRouter();
  const asks = useSignal(false);
  const fault = useSignal('');
  const remove = (): void => {
    session.client
      .call('deleteProject', { params: { id } })
      .then(() => session.readProjects())
      .then(router.unlessGone(() => router.back('projects')))
      .catch((error: unknown) => (fault.value = faultWords(error)));
  };
  return (
    <>
      <p class="fault" role="alert">
        {fault.value}
      </p>
      <button type="button" class="choice danger" onClick={() => (asks.value = true)}>
        {s.project.delete}
      </button>
      {asks.value && (
        <Confirm
          title={s.project.delete_title}
          text={s.project.delete_text}
          yes={s.project.delete}
          danger
          onYes={remove}
          onClose={() => (asks.value = false)}
        />
      )}
    </>
  );
}
