// Finds public functions without a full doc comment, in the declarations users' editors show.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * Lists what is missing from the doc comments of the given exports: each needs text, and a function needs @param,
 * @returns and @example.
 * @param {string} root the repository
 * @param {string[]} exported names of the runtime exports
 * @returns {Promise<string[]>} one line per fault
 */
export async function undocumented(root, exported) {
  const dist = join(root, 'dist');
  const declarations = readdirSync(dist, { recursive: true })
    .filter((path) => path.endsWith('.d.ts'))
    .map((path) => readFileSync(join(dist, path), 'utf8'))
    .join('\n');
  const library = await import(pathToFileURL(join(dist, 'index.js')).href);
  const faults = [];
  for (const name of exported) {
    const declared = new RegExp(
      `(/\\*\\*(?:(?!\\*/)[^])*\\*/)?\\s*(?:export )?(?:declare )?(?:const|function|class) ${name}\\b`,
      'm',
    ).exec(declarations);
    if (!declared) {
      faults.push(`no declaration of ${name} in dist/`);
      continue;
    }
    const comment = declared[1] ?? '';
    const takesNothing = new RegExp(`function ${name}\\(\\)|${name}: \\(\\) =>`).test(declarations);
    const tags = takesNothing ? ['@returns', '@example'] : ['@param', '@returns', '@example'];
    const wanted = typeof library[name] === 'function' ? tags : [];
    const missing = wanted.filter((tag) => !comment.includes(tag));
    if (comment === '') faults.push(`${name} has no doc comment`);
    else if (missing.length > 0) faults.push(`the doc comment of ${name} lacks ${missing.join(', ')}`);
  }
  return faults;
}
