// A world for each test of a file: import it, and `world` is the present test's.
import { afterEach, beforeEach } from 'node:test';
import { ImportWorld } from './import-world.ts';

export let world: ImportWorld;

beforeEach(async () => {
  world = await ImportWorld.open();
});

afterEach(() => world.close());
