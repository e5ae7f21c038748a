import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { Scene } from './scene.ts';

const run = promisify(execFile);
export const MB = 1024 * 1024;

/** Puts a disk of its own, so many bytes small, in the place of a folder. It goes with the scene. */
export async function mountDisk(scene: Scene, dir: string, bytes: number): Promise<void> {
  await mkdir(dir, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', dir]);
  scene.afterwards.push(() => run('umount', ['--lazy', dir]));
}
