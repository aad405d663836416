// A real Chromium: the npm package's, or one installed on the machine.
import { existsSync } from 'node:fs';
import packed from '@sparticuz/chromium';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

/** Where Debian, Fedora and others install it. */
const INSTALLED = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Starts a browser. @returns why none starts */
export async function startBrowser(): Promise<Browser | string> {
  const problems: string[] = [];
  for (const find of [() => packed.executablePath(), ...INSTALLED.map((path) => async () => path)]) {
    try {
      const executablePath = await find();
      if (!existsSync(executablePath)) continue;
      // Not the package's own arguments: they turn off what is tested here, web security above all.
      return await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
    } catch (error) {
      problems.push(error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error));
    }
  }
  return `no browser starts here: ${problems.join('; ') || 'there is none'}`;
}

/** What axe finds wrong with a page, which must bypass its policy. */
export async function violations(page: Page): Promise<string[]> {
  const { default: axe } = await import('axe-core');
  await page.evaluate(axe.source);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import('axe-core') };
    const { violations } = await axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`);
  });
}

/** A page, and what went wrong in it. */
export interface Opened {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors on the page and in its console, violations of its policy among them. */
  readonly problems: string[];
  /** Where its requests went. */
  readonly origins: Set<string>;
}

/** How a page is opened. */
export interface Opening {
  readonly width?: number;
  readonly scheme?: 'light' | 'dark';
  /** Lets a test run its own scripts in the page. */
  readonly bypassCSP?: boolean;
}

/** Opens an address in a new context. Answers other than 2xx are no problems: views report them. */
export async function open(
  browser: Browser,
  url: string,
  { width = 1280, scheme = 'light', bypassCSP = false }: Opening = {},
): Promise<Opened> {
  const context = await browser.newContext({
    viewport: { width, height: 860 },
    colorScheme: scheme,
    locale: 'en-US',
    timezoneId: 'Europe/Berlin',
    bypassCSP,
  });
  const page = await context.newPage();
  const problems: string[] = [];
  const origins = new Set<string>();
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      problems.push(message.text());
  });
  page.on('dialog', (dialog) => {
    problems.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => origins.add(new URL(request.url()).origin));
  await page.goto(url);
  return { page, context, problems, origins };
}
