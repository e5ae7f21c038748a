import type { Assignment } from '../../protocol/worker.ts';
import type { Forwarder } from '../loopback-proxy.ts';
import { GIT_ENV } from '../git/git.ts';

/** Who the commits name; git heeds these before any setting. */
export function identity({ name, email }: Assignment['author']): Record<string, string> {
  return { GIT_AUTHOR_NAME: name, GIT_AUTHOR_EMAIL: email, GIT_COMMITTER_NAME: name, GIT_COMMITTER_EMAIL: email };
}

/**
 * The environment of the agent's commands: made anew, so that nothing of the worker's own comes in by accident. The project's variables have the
 * last word.
 */
export function commandEnv(
  assignment: Assignment,
  inherited: Record<string, string>,
  home: string,
  forwarder: Pick<Forwarder, 'url'>,
): Record<string, string> {
  const here = '127.0.0.1,localhost,::1';
  const proxy: Record<string, string> =
    assignment.egress === 'none'
      ? {}
      : {
          HTTPS_PROXY: forwarder.url,
          https_proxy: forwarder.url,
          NO_PROXY: here,
          no_proxy: here,
          NODE_USE_ENV_PROXY: '1',
        };
  return {
    LANG: 'C.UTF-8',
    ...inherited,
    HOME: home,
    CI: 'true',
    TERM: 'dumb',
    PAGER: 'cat',
    ...GIT_ENV,
    ...identity(assignment.author),
    ...proxy,
    ...assignment.env,
  };
}
