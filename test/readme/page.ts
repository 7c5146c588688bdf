/**
 * A page as what a reader copies from it: files, which begin with a comment that names them, and lines for
 * a shell. Fences are of backticks or of tildes; .ci/snippets.mjs runs js between backticks in Node, so what needs a browser
 * stands between tildes.
 */
import { readFileSync } from 'node:fs';

export interface Block {
  readonly language: string;
  readonly text: string;
  /** The name in the comment on its first line; undefined where there is none. */
  readonly file: string | undefined;
  /** Where it begins in the page. */
  readonly line: number;
}

export interface Page {
  readonly blocks: readonly Block[];
  /** What is no block, line by line. */
  readonly prose: readonly string[];
}

/** `// name`, `# name` or `<!-- name -->`. */
const naming = /^(?:\/\/|#|<!--) ([\w.-]+\.\w+)(?: -->)?$/;

/** A page of docs/. */
export function readPage(name: string): Page {
  const lines = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8').split('\n');
  const blocks: Block[] = [];
  const prose: string[] = [];
  for (let i = 0; i < lines.length; i++) {
    const opening = /^(```+|~~~+)(\w*)/.exec(lines[i]!);
    if (!opening) {
      prose.push(lines[i]!);
      continue;
    }
    const [, fence, language] = opening;
    const end = lines.indexOf(fence!, i + 1);
    if (end < 0) throw new Error(`${name}:${i + 1}: this block has no end`);
    const body = lines.slice(i + 1, end);
    const file = language === 'sh' ? undefined : naming.exec(body[0] ?? '')?.[1];
    blocks.push({ language: language!, text: `${body.join('\n')}\n`, file, line: i + 1 });
    i = end;
  }
  if (blocks.length === 0) throw new Error(`${name} has no blocks`);
  return { blocks, prose };
}

/** What a text says that it `prints`, `shows` or `answers`, in a comment at the end of a line. */
export function promised(verb: 'prints' | 'shows' | 'answers', text: string): string | undefined {
  return new RegExp(`(?:#|//) ${verb} (\\S+)$`, 'm').exec(text)?.[1];
}
