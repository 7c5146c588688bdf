/** Runs a program to its end. */
import { execFile } from 'node:child_process';

export interface Settings {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** What it printed on stdout; an error with all its output where it fails. It is killed when it hangs. */
export function execute(file: string, args: readonly string[], { cwd, env }: Settings): Promise<string> {
  // the test runner's own settings are not for the programs it tests
  const { NODE_OPTIONS: _, ...inherited } = process.env;
  const options = { cwd, env: { ...inherited, ...env }, timeout: 50_000, maxBuffer: 2 ** 28 };
  return new Promise((resolve, reject) => {
    execFile(file, args, options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const how = error.killed ? 'was killed after 50 s' : error.message;
      reject(new Error(`${how}\n${stdout.slice(-2000)}${stderr.slice(-2000)}`));
    });
  });
}
