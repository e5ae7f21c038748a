import type { Project } from '../../protocol/api.ts';

/** A project as the coordinator keeps it. `Project` of the protocol is how the world sees it: without the secrets. */
export type ProjectRow = Project & {
  user_id: string;
  /** The sealed JSON of a `ProjectSecrets`; null where there are none. */
  secrets: string | null;
};

/** The project as the world sees it. */
export function projectView({ user_id: _user, secrets: _secrets, ...project }: ProjectRow): Project {
  return project;
}
