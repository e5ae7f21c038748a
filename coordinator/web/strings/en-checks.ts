/** The texts about the parts of the server that must work, in English. */
export const en_checks = {
  names: {
    database: 'Database',
    disk: 'Disk',
    runner: 'Workers',
    isolation: 'Isolation of the workers',
    images: 'Images of projects',
    model: 'Model',
    reserve: 'Reserve on the disk',
    removal: 'Removal of old workers',
    backup: 'Backup',
  },
  answers: 'answers',
  damaged: 'damaged: the server’s log says how to mend it',
  free: (mb: string) => `${mb} MB free`,
  nearly_full: (free: string, wanted: string) => `nearly full: ${free} free. New errands wait for ${wanted}`,
  docker: 'containers of Docker',
  process: 'processes, without isolation',
  tried: 'was tried',
  being_tried: 'is being tried',
  no_isolation: 'none: the workers are plain processes',
  images: (count: string) => `${count} beside the default`,
  demo: 'the demo model',
  key_refused: 'Claude refuses the API key of this server: its owner has to correct it',
  reserve: (mb: string) => `${mb} MB, so that you can stop and log in on a full disk`,
  no_reserve: 'no space for it: on a full disk nothing could be stopped',
  full: 'the disk is full: one can only stop, log in and read',
  full_no_reserve: 'the disk is full, and nothing can be stopped',
  nothing_left: 'nothing is left',
  left: (folders: string) =>
    `${folders} ${folders === '1' ? 'folder' : 'folders'} cannot be removed: see the server’s log`,
  no_backup: 'there is none yet',
  last_backup: (minutes: string) => `the last one is ${minutes} min old`,
  last_backup_h: (hours: string) => `the last one is ${hours} h old`,
  last_backup_d: (days: string) => `the last one is ${days} days old`,
};

export type CheckStrings = typeof en_checks;
