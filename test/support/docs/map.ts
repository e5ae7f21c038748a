/* Draws the README's map of the folders, `.github/map.svg`. It is narrow, so that a phone can show it. */

const WIDTH = 480;
const MARGIN = 8;
const ROOM_HEIGHT = 46;
const ROW = ROOM_HEIGHT + 10;
const COLUMN = { left: 22, right: 245, width: 213 };
/** The inside of the coordinator starts here. */
const ROOMS_Y = 132;

const STYLE = `
text { font: 13px system-ui, 'Segoe UI', Helvetica, Arial, sans-serif; fill: #59636e }
.name { font: 600 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328 }
.outer { fill: #f6f8fa; stroke: #d1d9e0 }
.room { fill: #fff; stroke: #d1d9e0 }
.log { fill: #ddf4ff; stroke: #54aeff }
.arrow { stroke: #0969da; stroke-width: 1.5; fill: none; marker-end: url(#head) }
.head, .label { fill: #0969da }
@media (prefers-color-scheme: dark) {
  text { fill: #9198a1 }
  .name { fill: #f0f6fc }
  .outer { fill: #151b23; stroke: #3d444d }
  .room { fill: #0d1117; stroke: #3d444d }
  .log { fill: #121d2f; stroke: #1f6feb }
  .arrow { stroke: #4493f8 }
  .head, .label { fill: #4493f8 }
}`;

/** The folders of the coordinator, two in a row; one alone takes the whole row. */
const ROWS: [folder: string, what: string][][] = [
  [
    ['http/', 'the public API'],
    ['live/', 'live events for clients'],
  ],
  [
    ['auth/', 'accounts, log-ins, tokens'],
    ['tasks/', 'send, cancel, the queue'],
  ],
  [
    ['notifications/', 'Web Push, webhooks, ntfy'],
    ['forge/', 'GitHub, Gitea, pull requests'],
  ],
  [['sqlite/', 'the event log: parts write to it and subscribe to it']],
  [
    ['operations/', 'retention, metrics, backups'],
    ['start/', 'puts the parts together'],
  ],
  [
    ['schedules/', 'errands at set times'],
    ['demo/', 'demo model, npm run try'],
  ],
  [
    ['domain/', 'rules as pure functions'],
    ['base/', 'settings, logger, retry'],
  ],
  [
    ['workers/', 'start and watch workers'],
    ['worker-api/', 'callbacks and proxies'],
  ],
];

/** The map as SVG, in light and in dark colours. */
export function drawMap(): string {
  const rooms_end = ROOMS_Y + ROWS.length * ROW;
  const worker_y = rooms_end + 58;
  const height = worker_y + 164;
  const inner = WIDTH - 2 * MARGIN;
  const size = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">
<title>The folders of Errand and how they talk to each other</title>
<style>${STYLE}
</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path class="head" d="M0 0L8 4L0 8z"/></marker></defs>
${[
  box('outer', 110, MARGIN, 260, 50),
  ...words(126, MARGIN + 21, 'client/ cli/ web/', 'the app, the command line, curl'),
  box('outer', MARGIN, 98, inner, rooms_end - 98 + 4),
  arrow(150, 60, ROOMS_Y - 2, 'HTTP', 83),
  arrow(330, ROOMS_Y - 2, 62, 'WebSocket', 83),
  ...words(COLUMN.left, 119, 'coordinator/'),
  ...ROWS.flatMap(([left, right], row) => roomsOf(ROOMS_Y + row * ROW, left, right)),
  arrow(60, rooms_end - 8, worker_y - 3, 'task, message, cancel', worker_y - 24),
  arrow(270, worker_y, rooms_end - 7, 'events, requests', worker_y - 24),
  arrow(405, rooms_end - 8, worker_y - 3, 'proxies', worker_y - 24),
  box('outer', MARGIN, worker_y, 308, 92),
  ...words(COLUMN.left, worker_y + 22, 'agent-container/', 'one for each attempt, without a network'),
  ...words(COLUMN.left, worker_y + 62, 'loop/ mcp/ model/ tools/ shell/'),
  ...words(COLUMN.left, worker_y + 81, 'git/ proxy/ reporting/ base/'),
  box('outer', 328, worker_y, WIDTH - MARGIN - 328, 92),
  ...['Claude API', 'git server', 'registries'].map((line, n) => label('', 344, worker_y + 26 + n * 24, line)),
  box('outer', MARGIN, worker_y + 106, inner, 50),
  ...words(COLUMN.left, worker_y + 127, 'protocol/', 'what the arrows carry: schemas, routes, error codes'),
].join('\n')}
</svg>
`;
}

function roomsOf(y: number, left?: [string, string], right?: [string, string]): string[] {
  const room = ([folder, what]: [string, string], x: number, width: number) => [
    box(folder === 'sqlite/' ? 'log' : 'room', x, y, width, ROOM_HEIGHT),
    ...words(x + 12, y + 19, folder, what),
  ];
  const { width } = COLUMN;
  const whole = COLUMN.right - COLUMN.left + width;
  return [
    ...(left ? room(left, COLUMN.left, right ? width : whole) : []),
    ...(right ? room(right, COLUMN.right, width) : []),
  ];
}

function box(kind: 'outer' | 'room' | 'log', x: number, y: number, width: number, height: number): string {
  return `<rect class="${kind}" x="${x}" y="${y}" width="${width}" height="${height}" rx="7"/>`;
}

/** A name, and below it what it is. */
function words(x: number, y: number, name: string, what?: string): string[] {
  return [label('name', x, y, name), ...(what === undefined ? [] : [label('', x, y + 18, what)])];
}

function label(kind: string, x: number, y: number, text: string): string {
  return `<text${kind === '' ? '' : ` class="${kind}"`} x="${x}" y="${y}">${text}</text>`;
}

/** A vertical arrow, with its text beside it. */
function arrow(x: number, from: number, to: number, text: string, text_y: number): string {
  return `<path class="arrow" d="M${x} ${from}V${to}"/>\n${label('label', x + 9, text_y, text)}`;
}
