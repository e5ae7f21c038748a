import { updateBaseText } from '../../client/errand/update-base.ts';

/** The texts of what a person does to an errand from the list, and of the archive, in English. */
export const en_archive = {
  title: 'Archived',
  empty: 'Nothing is archived. What has ended can be put away here; a search finds it still.',
  acts: { stop: 'Stop', again: 'Try again', archive: 'Archive', unarchive: 'Back to the list', remove: 'Delete' },
  archived: (title: string) => `Archived: ${title}`,
  undo: 'Undo',
  none: 'Nothing can be done to it now.',
  answer: 'Answer',
  update_base: 'Merge the newest base',
  update_base_text: updateBaseText,
};
export type ArchiveStrings = typeof en_archive;
