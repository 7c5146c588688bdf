/** How the runs of this folder write to the screen: colours, Unicode or plain ASCII, and one progress line. */

/**
 * What stands for the characters of the reports where only ASCII can be shown.
 *
 * @type {Record<string, string>}
 */
const ASCII = {
  '×': 'x',
  '²': '2',
  µ: 'u',
  α: 'alpha',
  β: 'beta',
  '→': '->',
  '…': '...',
  '─': '-',
  '│': '|',
  '└': '+',
  '┤': '+',
  '┴': '+',
};

const COLOURS = [34, 31, 32, 35, 36, 33];

/** Where a line cannot be overwritten, progress is written after this long without a line, in milliseconds. */
const QUIET = 2000;

/** A progress line is redrawn no more often than this, in milliseconds. */
const REDRAW = 50;

/**
 * @param {NodeJS.WriteStream} stream
 * @param {{ ascii?: boolean, env?: NodeJS.ProcessEnv }} [settings]
 */
export function createTerminal(stream, { ascii, env = process.env } = {}) {
  const plain = ascii ?? !showsUnicode(env);
  const overwrites = Boolean(stream.isTTY) && env.TERM !== 'dumb';
  const coloured = overwrites && !env.NO_COLOR;
  const width = stream.columns ?? 100;
  let shown = false;
  let last = performance.now();

  /** @param {string} text */
  const encode = (text) => (plain ? toAscii(text) : text);
  const clear = () => {
    if (shown) stream.write('\r\x1b[K');
    shown = false;
  };

  return {
    plain,
    width,
    /** @param {string} [line] */
    print(line = '') {
      clear();
      if (!overwrites) last = performance.now();
      stream.write(`${encode(line)}\n`);
    },
    /**
     * Shows a line that the next one replaces; where nothing can be replaced, a line after two seconds of silence.
     *
     * @param {() => string} text
     */
    progress(text) {
      const now = performance.now();
      if (now - last < (overwrites ? REDRAW : QUIET)) return;
      last = now;
      const line = encode(text()).slice(0, width - 1);
      if (!overwrites) {
        stream.write(`${line}\n`);
        return;
      }
      clear();
      stream.write(line);
      shown = true;
    },
    /**
     * @param {string} text
     * @param {number} index which curve
     */
    colour: (text, index) => (coloured ? `\x1b[${COLOURS[index % COLOURS.length]}m${text}\x1b[0m` : text),
    /** @param {string} text */
    bold: (text) => (coloured ? `\x1b[1m${text}\x1b[0m` : text),
  };
}

/** @typedef {ReturnType<typeof createTerminal>} Terminal */

/** @param {NodeJS.ProcessEnv} env */
function showsUnicode(env) {
  if (process.platform === 'win32') return Boolean(env.WT_SESSION || env.TERM_PROGRAM);
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '');
}

/** @param {string} text */
function toAscii(text) {
  return text.replace(/\P{ASCII}/gu, (character) => ASCII[character] ?? '?');
}
