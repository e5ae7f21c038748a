import type { Project } from '../../protocol/api.ts';

/** A project as stored. Clients see the protocol's `Project`, which has no secrets. */
export type ProjectRow = Project & {
  user_id: string;
  /** The encrypted JSON of a `ProjectSecrets`; null: no secrets. */
  secrets: string | null;
};

/** The project as clients see it. */
export function projectView({ user_id: _user, secrets: _secrets, ...project }: ProjectRow): Project {
  return project;
}
