import type { ProjectWarning, ProjectWarningCode } from '../../protocol/project-saved.ts';
import type { ProjectRow } from './project.ts';

/**
 * The credential for HTTP basic authentication at a forge; `password` is usually a token. `renew`, where there is
 * one: the forge has refused this password; resolves with another one, or with words why there is none. `hint`: what
 * its person can do where the forge shows them no such repository.
 */
export type ForgeCredential = {
  username: string;
  password: string;
  renew?: (refused: string) => Promise<{ password: string } | { fault: string }>;
  hint?: string | undefined;
};

/** A repository on a forge and its credential; undefined: the repository is public. */
export type ForgeRepository = { repo_url: string; credential: ForgeCredential | undefined };

/** Asks forges about repositories before anything relies on them. */
export type RepositoryCheck = {
  /**
   * Checks that the repository can be read with its credential. Resolves to warnings for its owner, such as that it
   * cannot be pushed to. Rejects with `invalid` if the address or credential is wrong, with `upstream_unreachable` if
   * the forge does not answer now (`errors` names the field), and with `rate_limited` if the user has too many checks
   * open.
   */
  check: (user_id: string, repository: ForgeRepository) => Promise<ProjectWarning[]>;
  /**
   * Rejects with `invalid` if the host of this address does not exist or has a private address. It only resolves the
   * name, within a short time, and only if not too many names are being resolved for the user.
   */
  checkHost: (user_id: string, repo_url: string) => Promise<void>;
};

/** What a project reacts to at its forge. */
export type Switches = Pick<ProjectRow, 'mentions' | 'follow_up'>;

/**
 * What cannot work for a project at its forge as things are now, for its owner. What the forge does not say now is no
 * warning.
 */
export type ForgeWarnings = {
  /** About switches that are on where nothing that they react to is heard or counts. */
  aboutSwitches: (user_id: string, project: ForgeRepository & Switches) => Promise<ProjectWarning[]>;
  /** About rules of the forge that refuse the branches of errands. */
  aboutBranches: (repository: ForgeRepository) => Promise<ProjectWarning[]>;
};

/** A warning about a project. `text`: the whole in English. */
export function warning(code: ProjectWarningCode, params: Record<string, string>, text: string): ProjectWarning {
  return { code, params, text };
}

/** The host of a repository, as audit entries name it. */
export function hostOf({ repo_url }: Pick<ForgeRepository, 'repo_url'>): string {
  return new URL(repo_url).host;
}
