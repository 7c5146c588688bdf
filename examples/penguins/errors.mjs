/** A mistake in the command line or in the user's file: shown as one line, without a stack. */
export class UserError extends Error {
  name = 'UserError';
}

/**
 * What the file system calls its errors, in words.
 *
 * @type {Record<string, string>}
 */
const REASONS = {
  ENOENT: 'no such file',
  EISDIR: 'it is a directory',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'part of the path is not a directory',
  ENOSPC: 'no space left',
  ENAMETOOLONG: 'the name is too long',
};

/**
 * Turns a failed file operation into a one-line error.
 *
 * @param {string} action e.g. `cannot read data.csv`
 * @param {unknown} error what the file system threw
 */
export function fileError(action, error) {
  const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
  return new UserError(`${action}: ${REASONS[code ?? ''] ?? message}`);
}
