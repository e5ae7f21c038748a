import type { ForgeEvent } from './forge.ts';

/**
 * Events of one thread are handled in order. What commits a pull request has and how their checks ended belongs
 * together: its branch is what both name.
 */
export function threadOf(event: ForgeEvent): string {
  switch (event.type) {
    case 'comment':
    case 'review':
    case 'issue':
      return String(event.number);
    case 'pull':
      return event.action === 'opened' ? String(event.pull.number) : `branch:${event.pull.head.branch}`;
    case 'check':
      return `branch:${event.branch ?? event.commit}`;
    // One that the forge does not show now holds up no other.
    case 'pull_checks':
      return `checks:${event.number}`;
    case 'repository':
      return '';
  }
}
