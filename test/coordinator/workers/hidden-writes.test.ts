import test from 'ava';
import { HiddenWrites } from '../../../coordinator/workers/hidden-writes.ts';
import { hiddenFault } from '../../../coordinator/workers/workspace-watch.ts';

const MB = 1024 * 1024;

/**
 * Each step: what the disk has in use, and for each writer what is visible, what it has written, and whether it is a
 * suspect although it could not be measured.
 */
type Step = [
  used: number,
  ...writers: [visible: number | undefined, written: number | undefined, is_suspect?: boolean][],
];
const CASES: Record<string, { steps: Step[]; hidden: number[] }> = {
  'nobody hides what a folder shows': { steps: [[100], [150, [50, 50]], [400, [300, 300]]], hidden: [0] },
  'a file that is unlinked and open is found': { steps: [[100], [150, [50, 50]], [950, [50, 850]]], hidden: [800] },
  'one that was made before the first measurement is found': { steps: [[100], [950, [50, 850]]], hidden: [800] },
  'who has it is found among others': {
    steps: [[100], [200, [50, 50], [50, 60]], [1100, [150, 160], [50, 860]]],
    hidden: [0, 800],
  },
  'a build that writes and deletes hides nothing': { steps: [[100], [150, [50, 50]], [160, [60, 5000]]], hidden: [0] },
  'a folder that shrinks hides nothing': { steps: [[100], [900, [800, 800]], [110, [10, 800]]], hidden: [0] },
  'a build beside the culprit is not blamed for it': {
    steps: [[100], [100, [0, 0], [0, 0]], [1100, [0, 500], [0, 1000]]],
    hidden: [0, 1000],
  },
  'what others put on the disk is not blamed on who writes little': {
    steps: [[100], [150, [50, 50]], [5000, [50, 60]]],
    hidden: [10],
  },
  'what is freed again is forgotten': { steps: [[100], [950, [50, 850]], [150, [50, 850]]], hidden: [0] },
  'what was lost before it began is not held against it': { steps: [[100], [900], [950, [50, 2000]]], hidden: [0] },
  'a workspace that was there before is none of its growth': {
    steps: [[1000], [1000, [700, 5]], [1800, [700, 805]]],
    hidden: [795],
  },
  'who cannot be counted may have all that the disk has lost': {
    steps: [[100], [900, [0, undefined]]],
    hidden: [800],
  },
  'who cannot be counted hides nothing while the disk has lost nothing': {
    steps: [[100], [150, [50, undefined]]],
    hidden: [0],
  },
  'who is counted is not blamed for what another may have who is not': {
    steps: [[100], [900, [0, 10], [0, undefined]]],
    hidden: [0, 800],
  },
  'who has more than another can have who was not measured is found': {
    steps: [[100], [1200, [0, 800], [undefined, 300]]],
    hidden: [800, 300],
  },
  'who was not measured may have what another has written, too': {
    steps: [[100], [900, [0, 800], [undefined, 700]]],
    hidden: [100, 700],
  },
  'who was not measured and not counted may have all': {
    steps: [[100], [900, [0, 800], [undefined, undefined]]],
    hidden: [0, 800],
  },
  'who is not measured again and again is a suspect like others': {
    steps: [[100], [900, [0, 800], [undefined, 700, true]]],
    hidden: [800, 0],
  },
  'what was visible before is not suspected of who is not measured now': {
    steps: [[100], [400, [300, 300], [0, 0]], [900, [undefined, 800], [0, 0]]],
    hidden: [500, 0],
  },
  'what grew while it was not measured is explained afterwards': {
    steps: [[100], [400, [undefined, 300], [0, 900]], [500, [400, 400], [0, 900]]],
    hidden: [0, 0],
  },
};

for (const [what, { steps, hidden }] of Object.entries(CASES))
  test(what, (t) => {
    const watch = new HiddenWrites();
    const keys = [{}, {}];
    let found = new Map<object, number>();
    for (const [used, ...writers] of steps)
      found = watch.measure(
        used,
        writers.map(([visible, written, is_suspect = visible !== undefined], i) => ({
          key: keys[i] ?? {},
          visible,
          written,
          is_excused: !is_suspect,
        })),
      );
    t.deepEqual(
      [...hidden.keys()].map((i) => found.get(keys[i] ?? {})),
      hidden,
    );
  });

test('hidden files count with those of the workspace, and less is too much while the disk is short', (t) => {
  const fault = (visible: number | undefined, hidden: number, is_short = false) =>
    hiddenFault({ visible: visible && visible * MB, hidden: hidden * MB, is_short }, 1000 * MB);
  t.is(fault(0, 1000), null);
  t.regex(
    fault(600, 401) ?? '',
    /filled 401 MB of the disk .* beside 600 MB in its workspace; the server allows 1000 MB/,
  );
  t.is(fault(0, 100, true), null);
  t.regex(fault(0, 101, true) ?? '', /filled 101 MB .*nearly full/);
  t.is(fault(1001, 0), null, 'that is told by the size of the workspace');
  t.is(fault(undefined, 1000), null);
  t.regex(fault(undefined, 1001) ?? '', /could not be measured 3 times in a row, .* up to 1001 MB of the disk/);
  t.is(fault(undefined, 100, true), null);
  t.regex(fault(undefined, 101, true) ?? '', /up to 101 MB/);
});
