// Everything that the pages name exists: links, files, commands with their options, npm scripts, routes, and names from the code.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import type { Command } from 'commander';
import { OPERATIONS } from '../../api/operations.ts';
import { tally } from '../../cli/tally.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { templateText } from '../support/stack-template.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const files = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const pages = files.filter((path) => path.endsWith('.md') && existsSync(join(ROOT, path)));
/** A changelog also names removed things. */
const current = pages.filter((path) => path !== 'CHANGELOG.md');
const source = files
  .filter((path) => /\.(ts|tsx|json)$|^\.ci\/run$/.test(path) && !path.startsWith('test/docs/'))
  .filter((path) => path !== 'package-lock.json' && existsSync(join(ROOT, path)))
  .map(read)
  .join('\n');
const words = new Set(source.match(/\w+/g));

test('all pages together have at most 25,000 words, and README 900', () => {
  const count = (path: string) => read(path).split(/\s+/).filter(Boolean).length;
  const all = pages.map(count).reduce((sum, n) => sum + n, 0);
  assert.ok(all <= 25_000, `${all} words`);
  assert.ok(count('README.md') <= 900, `README.md has ${count('README.md')} words`);
});

describe('every link leads somewhere', () => {
  for (const page of pages)
    test(page, () => {
      for (const [, target = ''] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? page : join(dirname(page), path);
        assert.ok(existsSync(join(ROOT, file)), `${page} links to ${target}`);
        if (anchor !== undefined) assert.ok(anchorsOf(file).has(anchor), `${page} links to ${target}`);
      }
    });
});

/** Anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): Set<string> {
  const headings = [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}

describe('every file named exists', () => {
  const folders = new Set(files.filter((path) => path.includes('/')).map((path) => path.split('/')[0]));
  /** Pages name files from the root, or from the folder that they are about. */
  const bases = ['', 'lambdas', 'local', 'test/contract', 'docs'];
  for (const page of current)
    test(page, () => {
      for (const token of quoted(page)) {
        const path = token.replace(/\/$/, '');
        const isPath = /^[\w./-]+\.(ts|md)$/.test(path) || folders.has(path.split('/')[0] ?? '');
        if (!/^[\w./-]+$/.test(path) || !isPath || !/[./]/.test(token)) continue;
        // Prefixes of the archive, and names of patterns.
        if (token.endsWith('/') && !folders.has(path.split('/')[0] ?? '')) continue;
        assert.ok(
          bases.some((base) => existsSync(join(ROOT, base, path))) ||
            // `handler.ts`: one of every folder
            (page !== 'docs/local-stack.md' && files.some((file) => file.endsWith(`/${path}`))),
          `${page} names ${token}`,
        );
      }
    });
});

describe('every command and option exists', () => {
  for (const page of current)
    test(page, () => {
      const text = read(page).replaceAll(/\s*\\\n\s*/g, ' ');
      for (const [, line = ''] of text.matchAll(/npx tally((?: (?!#|npx\b)[^\s`]+)+)/g))
        checkCommand(page, line);
      for (const [, name = ''] of text.matchAll(/npm run ([\w:]+)/g))
        assert.ok(Object.hasOwn(packageJson.scripts, name), `${page}: there is no npm script ${name}`);
    });
});

/** Follows subcommands, then looks for each option. What comes after ` -- ` belongs to another command. */
function checkCommand(page: string, line: string): void {
  const args = (line.split(' -- ')[0] ?? '').trim().split(/\s+/);
  let command: Command = tally();
  while (command.commands.length > 0) {
    const name = args[0]?.replace(/[.,;:)]+$/, '') ?? '';
    // `npx tally <command>`, `npx tally --help`
    if (!/^[a-z][a-z-]+$/.test(name) || name === 'help') return;
    const child = command.commands.find((one) => one.name() === name);
    // `npx tally dead-letters`, followed by text
    if (child === undefined && command.parent !== null) break;
    assert.ok(child, `${page}: there is no command tally ${name}`);
    command = child;
    args.shift();
  }
  const known = new Set(command.options.map(({ long }) => long));
  for (const option of line.match(/(?<= )--[a-z][a-z-]+/g) ?? [])
    assert.ok(known.has(option) || option === '--help', `${page}: tally${line} has no option ${option}`);
}

describe('every route exists', () => {
  const routes = OPERATIONS.map(({ method, path }) => `${method} ${path.split('/').slice(0, 3).join('/')}`);
  for (const page of current)
    test(page, () => {
      for (const [, method = '', path = ''] of read(page).matchAll(
        /\b(GET|POST) (\/v1\/[\w:]+(?:\.json)?)/g,
      )) {
        const route = `${method} ${path}`;
        assert.ok(routes.includes(route), `${page} names ${route}`);
      }
    });
});

// Settings, metrics, alarms, errors, item keys: names of several words, written together.
describe('every name of the code exists', () => {
  const template = templateText('prod');
  for (const page of current)
    test(page, () => {
      const text = outsideBlocks(page).replaceAll(/`aws [^`]*`|https?:\S+/g, '');
      for (const [name] of text.matchAll(/(?<![\w/:-])[A-Za-z]+[a-z][A-Z]\w*(?![\w/-])/g))
        assert.ok(words.has(name), `${page} names ${name}`);
      for (const [, alarm = ''] of read(page).matchAll(/tally-prod-([A-Z]\w+)/g))
        assert.ok(template.includes(`"tally-prod-${alarm}"`), `${page} names the alarm ${alarm}`);
    });
});

/** What a page has between backticks, outside of blocks. */
function quoted(page: string): string[] {
  return [...outsideBlocks(page).matchAll(/`([^`]+)`/g)].map(([, token = '']) => token);
}

function outsideBlocks(page: string): string {
  return read(page).replaceAll(/^```.*?^```/gms, '');
}
