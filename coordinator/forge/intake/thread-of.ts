import type { ForgeEvent } from '../forge.ts';

/**
 * Events of one thread are handled in order. What commits a pull request has and how their checks ended belongs
 * together, whatever its number.
 */
export function threadOf(event: ForgeEvent): string {
  switch (event.type) {
    case 'comment':
    case 'review':
    case 'issue':
      return String(event.number);
    case 'pull':
      return event.action === 'opened' ? String(event.pull.number) : '';
    case 'check':
    case 'repository':
      return '';
  }
}
