import { listSentFiles } from '../../sqlite/attachments.ts';
import { openDatabase } from '../../sqlite/open-database.ts';
import { AttachmentFiles } from '../../tasks/attachment-files.ts';

/** How many of the files that belong to errands of a database are not in the data folder: no backup has them. */
export async function countMissingFiles(database: string, data_dir: string): Promise<number> {
  const files = new AttachmentFiles(data_dir);
  const db = openDatabase(database);
  try {
    let missing = 0;
    for (const file of listSentFiles(db)) if (!(await files.has(file))) missing++;
    return missing;
  } finally {
    db.close();
  }
}
