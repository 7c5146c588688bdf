/**
 * Chromium, Firefox and WebKitGTK, each started on one page with an empty profile. No driver is needed: the page runs by
 * itself and reports. Whatever happens, the processes end and the profile is removed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

export type BrowserName = 'chromium' | 'firefox' | 'webkit';

interface Kind {
  /** Debian packages, for the line that says how to install it. */
  readonly packages: string;
  /** The program, or undefined where it is not installed. */
  find(): string | undefined;
  /** The command that opens `url` with a profile in `folder`, which exists and is empty. */
  command(program: string, url: string, folder: string): readonly string[];
}

function executable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The first of these programs on the path. */
const onPath = (...names: string[]): string | undefined =>
  names
    .flatMap((name) => (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name)))
    .find(executable);

/** MiniBrowser lies beside the library, in a folder named after the machine and the version of the interface. */
function miniBrowser(): string | undefined {
  const inside = (folder: string): string[] => {
    try {
      return readdirSync(folder).map((name) => join(folder, name));
    } catch {
      return [];
    }
  };
  return ['/usr/lib', '/usr/libexec']
    .flatMap((folder) => [folder, ...inside(folder)])
    .flatMap((folder) => inside(folder).filter((path) => /webkit2gtk-4\.\d$/.test(path)))
    .map((folder) => join(folder, 'MiniBrowser'))
    .find(executable);
}

/** The arguments that keep Chromium off the network, off the graphics card and out of sandboxes that containers lack. */
export const chromiumArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--no-first-run',
  '--no-default-browser-check',
] as const;

const firefoxPreferences = {
  'app.normandy.enabled': false,
  'app.update.enabled': false,
  'browser.aboutwelcome.enabled': false,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'toolkit.telemetry.reportingpolicy.firstRun': false,
} as const;

export const browsers: Readonly<Record<BrowserName, Kind>> = {
  chromium: {
    packages: 'chromium',
    find: () => onPath('chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'),
    command: (program, url, folder) => [
      program,
      '--headless=new',
      `--user-data-dir=${folder}`,
      ...chromiumArguments,
      url,
    ],
  },
  firefox: {
    packages: 'firefox-esr',
    find: () => onPath('firefox-esr', 'firefox'),
    command: (program, url, folder) => {
      const lines = Object.entries(firefoxPreferences).map(([name, value]) => `user_pref("${name}", ${value});\n`);
      writeFileSync(join(folder, 'user.js'), lines.join(''));
      return [program, '--headless', '--no-remote', '--profile', folder, url];
    },
  },
  webkit: {
    packages: 'webkit2gtk-driver xvfb',
    find: () => (onPath('xvfb-run') ? miniBrowser() : undefined),
    // it has no headless mode
    command: (program, url) => ['xvfb-run', '--auto-servernum', program, '--private', url],
  },
};

/** What is not installed, with how to install it. */
export function missingBrowser(name: BrowserName): string | undefined {
  if (browsers[name].find()) return undefined;
  return `${name} is missing: npm run runtimes (as root on Debian), or apt-get install ${browsers[name].packages}`;
}

/** How long the processes of a browser may take to end before they are killed. */
const patience = 5_000;

/**
 * Whether a process of the group lives. One that has ended stays in the group until its parent asks how, which the first process
 * of a container may be slow to do; /proc, where there is one, tells these apart.
 */
function lives(group: number): boolean {
  try {
    process.kill(-group, 0);
  } catch {
    return false;
  }
  if (!existsSync('/proc/self/stat')) return true;
  const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return numbers.some((pid) => {
    try {
      // after the name, which may hold anything: state, parent, group
      const [state, , own] = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return Number(own) === group && state !== 'Z';
    } catch {
      return false; // it has just gone
    }
  });
}

/**
 * Ends a process and all that it started: they are one group. All get the time to tidy up, not only the first: the virtual
 * screen of WebKit leaves a lock behind when it is killed.
 */
async function end({ pid }: ChildProcess): Promise<void> {
  if (pid === undefined) return; // it never started
  const signal = (name: NodeJS.Signals): void => {
    try {
      process.kill(-pid, name);
    } catch {
      // the group is gone
    }
  };
  signal('SIGTERM');
  for (let waited = 0; waited < patience && lives(pid); waited += 50) await pause(50);
  signal('SIGKILL');
}

/** Files of a browser that is just ending may still appear while its folder is removed. */
const remove = (folder: string): void =>
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });

/** A temporary folder for the time of `use`. */
export async function withProfile<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'lossmith-browser-'));
  try {
    return await use(folder);
  } finally {
    remove(folder);
  }
}

/** Opens a page, waits for what it reports, and ends the browser. */
export function visit(name: BrowserName, url: string, report: Promise<string>, timeout = 50_000): Promise<string> {
  const kind = browsers[name];
  const program = kind.find();
  if (program === undefined) throw new Error(missingBrowser(name));
  return withProfile(async (folder) => {
    const profile = join(folder, 'profile');
    mkdirSync(profile);
    const [command, ...parameters] = kind.command(program, url, profile);
    const child = spawn(command!, parameters, {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
      // whatever they keep elsewhere goes with the folder
      env: { ...process.env, HOME: folder, TMPDIR: folder, XDG_CACHE_HOME: folder, XDG_CONFIG_HOME: folder },
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-2000);
    });
    const failure = (what: string): Error => new Error(`${name} ${what}; its last words:\n${errors}`);
    const stop = new AbortController();
    try {
      return await Promise.race([
        report,
        once(child, 'exit', stop).then(([code, signal]) => {
          throw failure(`ended without a report (${signal ?? `exit code ${code}`})`);
        }),
        pause(timeout, undefined, stop).then(() => {
          throw failure(`has not reported within ${timeout / 1000} s`);
        }),
      ]);
    } finally {
      stop.abort();
      await end(child);
    }
  });
}
