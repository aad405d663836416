// `npm run audit-dependencies`: asks the npm registry which locked packages have known vulnerabilities. Needs the network.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const USAGE = `npm run audit-dependencies [-- --production]

Asks the npm registry (npm audit) which packages of package-lock.json have known vulnerabilities. It sends names and versions of packages,
and needs the network; npm test does not, and checks what can be checked without (test/supply-chain.test.ts).
  --production   only what ships and what describes it, not what is for development
Exit code 0: none known. 1: some. 2: the registry could not be asked.`;

const RANKS = ['critical', 'high', 'moderate', 'low', 'info'];

interface Audit {
  readonly vulnerabilities?: Readonly<
    Record<string, { severity: string; range: string; fixAvailable: unknown }>
  >;
  readonly message?: string;
  readonly error?: { readonly summary?: string };
}

async function main(parameters: readonly string[]): Promise<number> {
  if (parameters.some((one) => one !== '--production')) {
    console.log(USAGE);
    return parameters.includes('--help') ? 0 : 2;
  }
  const omit = parameters.includes('--production') ? ['--omit=dev'] : [];
  console.log('Asking the npm registry; this needs the network.');
  const npm = spawn('npm', ['audit', '--json', ...omit], {
    cwd: join(import.meta.dirname, '..'),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exited = once(npm, 'close');
  const audit = parse(await text(npm.stdout));
  await exited;
  if (audit?.vulnerabilities === undefined) {
    const reason = audit?.message ?? audit?.error?.summary ?? 'no answer';
    console.error(
      `The registry could not be asked (${reason}). Nothing is known about vulnerabilities; run it again with the network.`,
    );
    return 2;
  }
  const found = Object.entries(audit.vulnerabilities).sort(
    ([, a], [, b]) => RANKS.indexOf(a.severity) - RANKS.indexOf(b.severity),
  );
  for (const [name, { severity, range, fixAvailable }] of found) {
    console.log(
      `${severity.padEnd(8)} ${name} ${range}${fixAvailable === false ? ', no fix yet' : ', fixed in a later version'}`,
    );
  }
  console.log(
    found.length === 0 ? 'No known vulnerabilities.' : `${found.length} packages with known vulnerabilities.`,
  );
  return found.length === 0 ? 0 : 1;
}

function parse(output: string): Audit | undefined {
  try {
    return JSON.parse(output) as Audit;
  } catch {
    return undefined;
  }
}

process.exitCode = await main(process.argv.slice(2));
