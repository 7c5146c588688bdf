/** A mistake in the command line or in the user's file: shown as one line, without a stack. */
export class UserError extends Error {
  name = 'UserError';
}

const REASONS = { ENOENT: 'no such file', EISDIR: 'it is a directory', EACCES: 'permission denied' };

/** Does something with a file; what the file system throws becomes one line that opens with `failure`. */
export function withFile(failure, action) {
  try {
    return action();
  } catch ({ code, message }) {
    throw new UserError(`${failure}: ${REASONS[code] ?? message}`);
  }
}
