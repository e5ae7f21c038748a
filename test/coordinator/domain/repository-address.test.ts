import test from 'ava';
import { readRepositoryAddress } from '../../../coordinator/domain/repository-address.ts';

const GITHUB = 'https://github.com/o/r';
const SHA = '0123456789abcdef0123456789abcdef01234567';

/** What is pasted, what is understood, and the branch that it names. */
const UNDERSTOOD: [string, string, string?][] = [
  // As it is.
  ['https://github.com/o/r', GITHUB],
  ['https://github.com/o/r.git', `${GITHUB}.git`],
  ['http://localhost:3000/o/r', 'http://localhost:3000/o/r'],
  ['http://gitserver/o/r', 'http://gitserver/o/r'],
  ['https://127.0.0.1:8443/o/r', 'https://127.0.0.1:8443/o/r'],
  ['https://[2001:db8::1]:8443/o/r', 'https://[2001:db8::1]:8443/o/r'],
  ['https://git.example/r', 'https://git.example/r'],
  ['https://git.example/a/b/c/d.git', 'https://git.example/a/b/c/d.git'],
  ['https://git.sr.ht/~user/repo', 'https://git.sr.ht/~user/repo'],
  ['errand://sample', 'errand://sample'],
  ['errand://sample/', 'errand://sample'],
  // Small differences.
  [' https://github.com/o/r\n', GITHUB],
  ['\u200bhttps://github.com/o/r\ufeff', GITHUB],
  ['https://github.com/o/r/', GITHUB],
  ['https://github.com//o/r//', GITHUB],
  ['https://github.com/o/r.git/', `${GITHUB}.git`],
  ['HTTPS://GitHub.COM/o/r', GITHUB],
  ['https://www.github.com/o/r', GITHUB],
  ['https://github.com:443/o/r', GITHUB],
  ['http://github.com/o/r', GITHUB],
  ['https:/github.com/o/r', GITHUB],
  ['https:\\\\github.com\\o\\r', GITHUB],
  ['https://https://github.com/o/r', GITHUB],
  ['github.com/o/r', GITHUB],
  ['www.github.com/o/r/', GITHUB],
  ['//github.com/o/r', GITHUB],
  ['https://bücher.example/o/r', 'https://xn--bcher-kva.example/o/r'],
  ['bücher.example/o/r', 'https://xn--bcher-kva.example/o/r'],
  ['https://git.example/o/größe', 'https://git.example/o/gr%C3%B6%C3%9Fe'],
  ['https://github.com/x/../o/r', GITHUB],
  // Out of a chat, a document or a shell.
  ['<https://github.com/o/r>', GITHUB],
  ['"https://github.com/o/r"', GITHUB],
  ['`git@github.com:o/r.git`', `${GITHUB}.git`],
  ['(https://github.com/o/r)', GITHUB],
  ['https://github.com/o/r)', GITHUB],
  ['https://github.com/o/r).', GITHUB],
  ['\u201chttps://github.com/o/r\u201d', GITHUB],
  ['\u201ehttps://github.com/o/r\u201c.', GITHUB],
  ['\u00abhttps://github.com/o/r\u00bb', GITHUB],
  ['\u2018https://github.com/o/r\u2019', GITHUB],
  ['view-source:https://github.com/o/r', GITHUB],
  ["git clone 'https://github.com/o/r.git'", `${GITHUB}.git`],
  ['https://github.com/o/r.', GITHUB],
  ['https://github.com/o/r,', GITHUB],
  ['git clone https://github.com/o/r.git', `${GITHUB}.git`],
  ['git clone git@github.com:o/r.git', `${GITHUB}.git`],
  // With a query or a fragment.
  ['https://github.com/o/r?tab=readme-ov-file', GITHUB],
  ['https://github.com/o/r#readme', GITHUB],
  ['https://github.com/o/r?tab=readme-ov-file#installation', GITHUB],
  ['https://github.com/o/r.git?x=1#y', `${GITHUB}.git`],
  ['https://github.com/o/r#', GITHUB],
  // A branch behind the repository's own address.
  ['https://github.com/o/r#next', GITHUB, 'next'],
  ['https://github.com/o/r.git#feature/x', `${GITHUB}.git`, 'feature/x'],
  ['https://github.com/o/r#fix-%23123', GITHUB, 'fix-#123'],
  ['https://gitlab.com/g/sub/r#next', 'https://gitlab.com/g/sub/r', 'next'],
  ['git@github.com:o/r.git#next', `${GITHUB}.git`, 'next'],
  ['gh:o/r#next', GITHUB, 'next'],
  // ssh.
  ['git@github.com:o/r.git', `${GITHUB}.git`],
  ['git@github.com:o/r', GITHUB],
  ['git@github.com:/o/r.git', `${GITHUB}.git`],
  ['github.com:o/r.git', `${GITHUB}.git`],
  ['git@GitHub.com:o/r.git', `${GITHUB}.git`],
  ['git@github.com/o/r.git', `${GITHUB}.git`],
  ['ssh://git@github.com/o/r.git', `${GITHUB}.git`],
  ['ssh://git@github.com:22/o/r.git', `${GITHUB}.git`],
  ['ssh://git@github.com:o/r.git', `${GITHUB}.git`],
  ['ssh://git@ssh.github.com:443/o/r.git', `${GITHUB}.git`],
  ['ssh://git.example:2222/group/sub/r', 'https://git.example/group/sub/r'],
  ['ssh://git@git.example:2222/r.git', 'https://git.example/r.git'],
  ['git@git.example:2222/o/r.git', 'https://git.example/o/r.git'],
  ['git@git.example:123/r.git', 'https://git.example/123/r.git'],
  ['git@[2001:db8::1]:o/r.git', 'https://[2001:db8::1]/o/r.git'],
  ['git@git.sr.ht:~user/repo', 'https://git.sr.ht/~user/repo'],
  ['gitea@git.example:o/r.git', 'https://git.example/o/r.git'],
  ['org-1234@github.com:o/r.git', `${GITHUB}.git`],
  ['git+ssh://git@github.com/o/r.git', `${GITHUB}.git`],
  ['ssh+git://git@github.com/o/r.git', `${GITHUB}.git`],
  ['git@ssh.dev.azure.com:v3/org/project/repo', 'https://dev.azure.com/org/project/_git/repo'],
  // As package managers write it.
  ['git+https://github.com/o/r.git', `${GITHUB}.git`],
  ['git+https://github.com/o/r.git#v1.2', `${GITHUB}.git`, 'v1.2'],
  ['github:o/r', GITHUB],
  ['gh:o/r', GITHUB],
  ['gitlab:g/r', 'https://gitlab.com/g/r'],
  ['bitbucket:o/r', 'https://bitbucket.org/o/r'],
  // A user name that the forge itself puts into the address.
  ['https://ada@bitbucket.org/o/r.git', 'https://bitbucket.org/o/r.git'],
  ['https://org@dev.azure.com/org/project/_git/repo', 'https://dev.azure.com/org/project/_git/repo'],
  // Pages of GitHub.
  ['https://github.com/o/r/tree/main', GITHUB, 'main'],
  ['https://github.com/o/r/tree/main/', GITHUB, 'main'],
  ['github.com/o/r/tree/main', GITHUB, 'main'],
  ['https://github.com/o/r/tree/main/src/lib', GITHUB, 'main'],
  ['https://github.com/o/r/tree/feature/log-in', GITHUB, 'feature/log-in'],
  ['https://github.com/o/r/tree/feature%2Flog-in', GITHUB, 'feature/log-in'],
  ['https://github.com/o/r/tree/fix-%23123', GITHUB, 'fix-#123'],
  ['https://github.com/o/r/tree/%E0%A4%A', GITHUB, '%E0%A4%A'],
  [`https://github.com/o/r/tree/${SHA}`, GITHUB],
  ['https://github.com/o/r/tree/HEAD', GITHUB],
  ['https://github.com/o/r/tree/', GITHUB],
  ['https://github.com/o/r/blob/main/README.md', GITHUB, 'main'],
  ['https://github.com/o/r/blob/release-2/src/a.ts#L10-L20', GITHUB, 'release-2'],
  ['https://github.com/o/r/blob/main/README.md?plain=1', GITHUB, 'main'],
  [`https://github.com/o/r/blob/${SHA}/a.ts`, GITHUB],
  ['https://github.com/o/r/edit/main/a.ts', GITHUB, 'main'],
  ['https://github.com/o/r/blame/main/a.ts', GITHUB, 'main'],
  ['https://github.com/o/r/raw/refs/heads/main/a.ts', GITHUB, 'main'],
  ['https://raw.githubusercontent.com/o/r/main/a.ts', GITHUB, 'main'],
  ['https://raw.githubusercontent.com/o/r/refs/heads/main/a.ts', GITHUB, 'main'],
  ['https://api.github.com/repos/o/r', GITHUB],
  ['https://github.dev/o/r', GITHUB],
  ['https://github.com/o/r/commits/main/', GITHUB, 'main'],
  [`https://github.com/o/r/commit/${SHA}`, GITHUB],
  ['https://github.com/o/r/pull/12', GITHUB],
  ['https://github.com/o/r/pull/12/files#diff-1', GITHUB],
  ['https://github.com/o/r/issues/5', GITHUB],
  ['https://github.com/o/r/issues/5#issuecomment-1', GITHUB],
  ['https://github.com/o/r/issues?q=is%3Aopen', GITHUB],
  ['https://github.com/o/r/issues', GITHUB],
  ['https://github.com/o/r/actions/runs/1', GITHUB],
  ['https://github.com/o/r/releases/tag/v1', GITHUB],
  ['https://github.com/o/r/compare/main...fix', GITHUB],
  ['https://github.com/o/r/settings', GITHUB],
  ['https://github.com/o/r.git/tree/main', `${GITHUB}.git`, 'main'],
  ['https://github.example/o/r/tree/main', 'https://github.example/o/r', 'main'],
  ['https://github.example/o/r/pull/3', 'https://github.example/o/r'],
  // GitLab.
  ['https://gitlab.com/g/r', 'https://gitlab.com/g/r'],
  ['https://gitlab.com/g/sub/sub/r', 'https://gitlab.com/g/sub/sub/r'],
  ['https://gitlab.com/g/sub/r/-/tree/main?ref_type=heads', 'https://gitlab.com/g/sub/r', 'main'],
  ['https://gitlab.com/g/r/-/tree/feature/x', 'https://gitlab.com/g/r', 'feature/x'],
  ['https://gitlab.com/g/r/-/blob/main/a/b.md', 'https://gitlab.com/g/r', 'main'],
  ['https://gitlab.example/g/r/-/merge_requests/7/diffs', 'https://gitlab.example/g/r'],
  ['https://gitlab.example/g/r/-/issues/7', 'https://gitlab.example/g/r'],
  ['https://gitlab.example/g/r/merge_requests/1', 'https://gitlab.example/g/r'],
  ['https://gitlab.example/g/sub/r/merge_requests/1/diffs#note_2', 'https://gitlab.example/g/sub/r'],
  ['https://gitlab.example/g/r.git/-/tree/main', 'https://gitlab.example/g/r.git', 'main'],
  ['git@gitlab.com:g/sub/r.git', 'https://gitlab.com/g/sub/r.git'],
  // Gitea and Forgejo.
  ['https://codeberg.org/o/r/src/branch/main', 'https://codeberg.org/o/r', 'main'],
  ['https://gitea.example/o/r/src/branch/main/a/b.ts', 'https://gitea.example/o/r', 'main'],
  ['https://gitea.example/o/r/src/branch/feature/x', 'https://gitea.example/o/r', 'feature/x'],
  [`https://gitea.example/o/r/src/commit/${SHA}`, 'https://gitea.example/o/r'],
  ['https://gitea.example/o/r/src/tag/v1', 'https://gitea.example/o/r'],
  ['https://gitea.example/o/r/raw/branch/main/a.ts', 'https://gitea.example/o/r', 'main'],
  ['https://gitea.example/o/r/pulls/4', 'https://gitea.example/o/r'],
  // Bitbucket.
  ['https://bitbucket.org/o/r/src/main/', 'https://bitbucket.org/o/r', 'main'],
  ['https://bitbucket.org/o/r/src/dev/lib/a.ts', 'https://bitbucket.org/o/r', 'dev'],
  ['https://bitbucket.org/o/r/src/0123456789ab/a.ts', 'https://bitbucket.org/o/r'],
  ['https://bitbucket.org/o/r/branch/feature/x', 'https://bitbucket.org/o/r', 'feature/x'],
  ['https://bitbucket.org/o/r/pull-requests/9', 'https://bitbucket.org/o/r'],
  [
    'https://bitbucket.example/projects/P/repos/r/browse?at=refs%2Fheads%2Fdev',
    'https://bitbucket.example/scm/P/r.git',
    'dev',
  ],
  ['https://bitbucket.example/users/ada/repos/r/browse', 'https://bitbucket.example/scm/~ada/r.git'],
  // Others.
  ['https://dev.azure.com/o/p/_git/r?path=/a&version=GBmain', 'https://dev.azure.com/o/p/_git/r', 'main'],
  ['https://dev.azure.com/o/p/_git/r/pullrequest/3', 'https://dev.azure.com/o/p/_git/r'],
  ['https://git.sr.ht/~user/repo/tree/master/item/a.c', 'https://git.sr.ht/~user/repo', 'master'],
  ['https://chromium.googlesource.com/a/b/+/refs/heads/main/c', 'https://chromium.googlesource.com/a/b', 'main'],
  // What only looks like a page: repositories may be in folders, and folders may be called anything.
  ['https://git.example/team/tree', 'https://git.example/team/tree'],
  ['https://git.example/team/sub/merge_requests', 'https://git.example/team/sub/merge_requests'],
  ['https://git.example/team/sub/issues', 'https://git.example/team/sub/issues'],
  ['https://github.com/o/tree', 'https://github.com/o/tree'],
];

for (const [text, repo_url, branch] of UNDERSTOOD)
  test(`${JSON.stringify(text)} is ${repo_url}${branch === undefined ? '' : ` at ${branch}`}`, (t) => {
    t.deepEqual(readRepositoryAddress(text), { repo_url, branch });
    t.deepEqual(readRepositoryAddress(repo_url), { repo_url, branch: undefined }, 'and stays so');
  });

/** What is pasted, and the words that it is refused with. */
const REFUSED: [string, RegExp][] = [
  ['https://github.com/o/long-na\u2026', /^ends with an ellipsis: it was cut off/],
  ['https://github.com/o/long-na...', /^ends with an ellipsis/],
  ['https://github.com/o/r\u201d,x', /^has characters that no repository at github\.com has in its name/],
  ['https://github.com/o/r(1)x', /^has characters/],
  ['https://github.com/o/r#to:pic', /^names no branch behind the #: give it as https:\/\/github\.com\/o\/r#branch/],
  [`https://github.com/o/r#${SHA}`, /^names no branch behind the #/],
  ['https://github.com/o/r.git#semver:^1.0', /^names no branch behind the #/],
  ['', /^is empty: give it as https:\/\/host\/owner\/name/],
  [' \n', /^is empty/],
  ['https://github.com/o/r and more', /^contains a space/],
  ['https://github.com/o/\nr', /^contains a space or a line break/],
  ['https://github.com/o/r\u0007x', /^contains a space/],
  ['o/r', /^names no host: give it as https:\/\/github\.com\/o\/r/],
  ['repo', /^names no host/],
  ['localhost/o/r', /^names no host/],
  ['https://', /^is not an address/],
  ['https://github.com:99999/o/r', /^is not an address/],
  ['https://exa mple/o/r', /^contains a space/],
  ['https://github.com', /^names no repository: give it as https:\/\/github\.com\/owner\/name/],
  ['https://github.com/o', /^names an account and no repository: give it as https:\/\/github\.com\/o\/name/],
  ['git@github.com:o', /^names an account/],
  ['git@github.com:', /^names no repository|^names no host/],
  ['localhost:3000/o/r', /https:\/\/localhost:3000\/o\/r or http:\/\/localhost:3000\/o\/r/],
  ['git.example:8443/o/r', /^does not say how to connect/],
  ['constructor:o/r', /^begins with 'constructor'/],
  ['work:o/r.git', /^begins with 'work', which is a name of your own SSH configuration/],
  ['git@work:o/r.git', /^begins with 'work'/],
  ['ssh://work/o/r.git', /^begins with 'work'/],
  ['git://github.com/o/r.git', /give it as https:\/\/github\.com\/o\/r\.git/],
  ['ftp://host/o/r', /^begins with ftp:\/\/: it must begin with https:\/\//],
  ['svn+ssh://host/o/r', /^begins with svn\+ssh:\/\//],
  ['errand://other', /^begins with errand:\/\//],
  ['javascript:alert(1)', /SSH configuration|names no host/],
  ['file:///srv/git/r.git', /^names a folder of a computer/],
  ['file:/srv/git/r.git', /^names a folder/],
  ['/srv/git/r.git', /^names a folder/],
  ['./r', /^names a folder/],
  ['../r', /^names a folder/],
  ['.', /^names a folder|^is empty/],
  ['~/code/r', /^names a folder/],
  ['C:\\code\\r', /^names a folder/],
  ['c:/code/r', /^names a folder/],
  ['\\\\server\\share\\r', /^names a folder/],
  ['https://host/-x/r', /^names no repository/],
  ['https://host/o/%2e%2e%2fr', /^contains an escaped dot/],
  ['https://host/%2E%2E/r', /^contains an escaped dot/],
  ['https://host/o%5cr', /^contains an escaped dot or backslash/],
  ['https://host/o%2fr', /^contains an escaped slash/],
  [`https://host/${'x'.repeat(500)}`, /^is too long: at most 500 characters/],
];

for (const [text, words] of REFUSED)
  test(`${JSON.stringify(text.slice(0, 60))} is refused with ${words.source.slice(0, 60)}`, (t) => {
    const found = readRepositoryAddress(text);
    t.regex('refusal' in found ? found.refusal : `understood: ${found.repo_url}`, words);
  });

/** Each with a secret in it: `sesame`, more than a user name. */
const CREDENTIALS = [
  'https://ada:sesame@github.com/o/r',
  'https://ada:ses@me-sesame@github.com/o/r',
  'https://:sesame@github.com/o/r',
  'https://ghp_sesame0123456789abcdef@github.com/o/r',
  'https://oauth2:sesame@gitlab.com/o/r.git',
  'https://github.com/o/r?access_token=sesame',
  'https://gitlab.com/o/r.git?private_token=sesame',
  'https://github.com/o/r#access_token=sesame',
  'ada:sesame@github.com/o/r',
  'ada:ses@sesame@github.com/o/r',
  'ssh://git:sesame@github.com/o/r',
  'git+https://ada:sesame@github.com/o/r',
];

for (const text of CREDENTIALS)
  test(`${text} is refused without its credential being repeated`, (t) => {
    const found = readRepositoryAddress(text);
    t.true('refusal' in found);
    const { refusal } = found as { refusal: string };
    t.regex(
      refusal,
      /^contains a credential: put the token into the project \(git_token\).* https:\/\/git(hub|lab)\.com\/o\/r/,
    );
    t.false(refusal.includes('sesame'));
  });

test('a credential in an address that is refused for another reason is not repeated either', (t) => {
  for (const text of ['git://ada:sesame@host/o/r', 'ftp://ada:sesame@host/o/r', 'https://ada:sesame@host/o/r x'])
    t.false(JSON.stringify(readRepositoryAddress(text)).includes('sesame'), text);
});

test('any text is either understood or refused in a moment', (t) => {
  const pieces = 'https://|git@|host|:|/|@|.|-|tree|%|?|#|\u0000|[|~|é|.git'.split('|');
  let seed = 7;
  const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let n = 0; n < 20_000; n++) {
    const text = Array.from({ length: random(12) }, () => pieces[random(pieces.length)]).join('');
    const found = readRepositoryAddress(text);
    if ('repo_url' in found) t.true('repo_url' in readRepositoryAddress(found.repo_url), text);
  }
  const began = performance.now();
  for (const piece of pieces) readRepositoryAddress(piece.repeat(2_000));
  t.true(performance.now() - began < 1000);
});
