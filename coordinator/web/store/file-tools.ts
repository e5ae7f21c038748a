/* What deals with the bytes of files. It is a part of the app that comes once there is one. */

export { keepFile } from './keep-file.ts';
export { uploadFile } from './upload-file.ts';
