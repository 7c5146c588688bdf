/** What stands for the characters of the reports where only ASCII can be shown. */
const PAIRS = '×x ²2 µu ½0.5 αalpha βbeta →-> …... ─- │| └+ ┤+ ┴+'.split(' ');
const ASCII = new Map(PAIRS.map(([from, ...to]) => [from, to.join('')]));

/** How the runs write to the screen: in Unicode, or where `ascii` or the terminal asks for it in plain ASCII. */
export function createTerminal(stream, { ascii, env = process.env } = {}) {
  const plain = ascii ?? !showsUnicode(env);
  const encode = (text) => (plain ? text.replace(/\P{ASCII}/gu, (character) => ASCII.get(character) ?? '?') : text);
  return {
    plain,
    width: stream.columns ?? 100,
    print: (...lines) => stream.write(lines.map((line) => `${encode(line)}\n`).join('')),
  };
}

function showsUnicode(env) {
  if (process.platform === 'win32') return Boolean(env.WT_SESSION || env.TERM_PROGRAM);
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '');
}
