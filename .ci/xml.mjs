// A small check that a document is well-formed XML; enough for files we write ourselves.

const name = '[A-Za-z_:][\\w:.-]*';
const attribute = `\\s+${name}\\s*=\\s*(?:"[^"<]*"|'[^'<]*')`;
const token = new RegExp(
  [
    '<\\?[^]*?\\?>', // declaration
    '<!--(?:(?!--)[^])*-->', // comment
    '<!\\[CDATA\\[[^]*?\\]\\]>',
    '<!DOCTYPE[^>]*>',
    `<(?<close>/)(?<closed>${name})\\s*>`,
    `<(?<opened>${name})(?<attributes>(?:${attribute})*)\\s*(?<empty>/?)>`,
    '(?<text>[^<]+)',
  ].join('|'),
  'y',
);

/**
 * Returns what is wrong with an XML document, or undefined.
 * @param {string} source the whole document
 * @returns {string | undefined}
 */
export function checkXml(source) {
  const open = [];
  let roots = 0;
  token.lastIndex = 0;
  while (token.lastIndex < source.length) {
    const at = token.lastIndex;
    const match = token.exec(source);
    const where = `at character ${at}: ${source.slice(at, at + 60).replace(/\s+/g, ' ')}`;
    if (!match) return `not well-formed ${where}`;
    const { close, closed, opened, attributes, empty, text } = match.groups;
    if (/&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-fA-F]+);)/.test(text ?? attributes ?? '')) return `bare & ${where}`;
    if (text !== undefined) {
      if (open.length === 0 && text.trim() !== '') return `text outside the root element ${where}`;
    } else if (close) {
      const expected = open.pop();
      if (closed !== expected) return `</${closed}> closes <${expected}> ${where}`;
    } else if (opened) {
      const names = [...attributes.matchAll(/([\w:.-]+)\s*=\s*(?:"[^"]*"|'[^']*')/g)].map((found) => found[1]);
      if (new Set(names).size < names.length) return `repeated attribute ${where}`;
      if (open.length === 0) roots++;
      if (!empty) open.push(opened);
    }
  }
  if (open.length > 0) return `<${open.at(-1)}> is never closed`;
  return roots === 1 ? undefined : `${roots} root elements`;
}
