/** Paths of this page as the server knows them. Pure. */

/** The drive of jupyter-collaboration: the same files, written together. */
const SHARED = 'RTC:';

/** `localPath` is the contents manager's: it takes the drives off that it knows. */
export function serverPath(localPath: (path: string) => string, path: string): string {
  const local = localPath(path);
  return (local.startsWith(SHARED) ? local.slice(SHARED.length) : local).replace(/^\/+/, '');
}
