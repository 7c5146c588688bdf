// Reads XML strictly: for the pictures that the examples draw.
import { SaxesParser } from 'saxes';

/** The start tags of an XML document, in order, each with its attributes; throws at the first fault. */
export function startTags(source) {
  const tags = [];
  const parser = new SaxesParser({ xmlns: true });
  parser.on('error', (fault) => {
    throw fault;
  });
  parser.on('opentag', ({ name, attributes }) => {
    const values = Object.entries(attributes).map(([attribute, { value }]) => [attribute, value]);
    tags.push({ name, attributes: Object.fromEntries(values) });
  });
  parser.write(source).close();
  return tags;
}
