import test from 'ava';
import { namedPlace } from '../../../../coordinator/forge/intake/named-place.ts';

const PLACES: [request: string, place: ReturnType<typeof namedPlace>][] = [
  ['go on with #123', { continue_pull: 123 }],
  ['Go on with #7: the tests still fail', { continue_pull: 7 }],
  ['please continue with PR #12, and add a test', { continue_pull: 12 }],
  ['continue pull request #12', { continue_pull: 12 }],
  ['bitte mach weiter mit #5', { continue_pull: 5 }],
  ['go  on\twith #8', { continue_pull: 8 }],
  ['work on branch topic', { work_branch: 'topic' }],
  ['continue on the branch `fix/rounding`, please', { work_branch: 'fix/rounding' }],
  ['go on with branch "release-2.1".', { work_branch: 'release-2.1' }],
  ['arbeite auf dem Branch thema', { work_branch: 'thema' }],
  ['fix what #123 broke', undefined],
  ['do not go on with #123', undefined],
  ['go on with the second point', undefined],
  ['go on with #1234567890', undefined],
  ['work on branch -x', undefined],
  ['work on branch a..b', undefined],
  ['work on the branches', undefined],
  ['', undefined],
];

for (const [request, place] of PLACES)
  test(`the beginning of a request names a place or none: ${request}`, (t) => {
    t.deepEqual(namedPlace(request), place);
  });
