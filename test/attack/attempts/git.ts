import type { AttackGroup } from '../attempt.ts';
import { byCommands } from './by-command.ts';

const REFUSED = /rejected|refused|denied|forbidden|403|404|not found|only refs\/heads/i;

/** Prints an address at the worker's proxy. */
const proxied = (path: string) => `git remote get-url origin | sed -E 's#^(https?://[^/]*)/.*#\\1/${path}#'`;

const commit = 'git -c user.name=x -c user.email=x@x commit -q --allow-empty -m x';

/** What the attacker's agent tries with git. The proxy logs each push that it refuses. */
export const PUSHES = byCommands(
  'git: pushes',
  [
    ['push to the main branch', `${commit}; git push origin HEAD:refs/heads/main 2>&1`, REFUSED],
    ['push to the main branch with force', 'git push --force origin HEAD:refs/heads/main 2>&1', REFUSED],
    ['delete the main branch', 'git push origin :refs/heads/main 2>&1', REFUSED],
    ['push a tag', 'git tag -f evil && git push origin evil 2>&1', REFUSED],
    ['push everything', 'git push --mirror origin 2>&1', REFUSED],
    ['push to a branch of another errand', 'git push origin HEAD:refs/heads/errand/0000/x 2>&1', REFUSED],
    ['push its branch together with another', 'git push origin HEAD:refs/heads/main HEAD:refs/notes/x 2>&1', REFUSED],
  ],
  /push refused/,
);

/** What the attacker's agent tries with other repositories. */
export const REPOSITORIES: AttackGroup = byCommands('git: other repositories', [
  ['clone the repository of the victim', 'git clone "$(git remote get-url origin)/../victim.git" ./v 2>&1', /fatal/],
  ['clone by a path that leads out', `git clone "$(${proxied('git/../../victim/git')})" ./v 2>&1`, /fatal/],
  ['clone by a name of the victim', `git clone "$(${proxied('at/victim=.git')})" ./v 2>&1`, /fatal/],
  ['clone by a name that leads out', `git clone "$(${proxied('at/=/../../../victim/git')})" ./v 2>&1`, /fatal/],
  ['clone through a program', 'git clone "ext::sh -c id" ./v 2>&1', /not allowed|fatal/],
  [
    'read the credential of the forge',
    'git credential fill </dev/null 2>&1; git config --list | grep -i "password\\|token" || echo "fatal: none"',
    /fatal/,
  ],
]);
