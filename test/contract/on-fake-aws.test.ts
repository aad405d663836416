// The contract suite on AWS in memory: what simulation, exploration and benchmarks run on.
import { registerContractSuite } from '../support/contract-suite.ts';

process.env['TALLY_CONTRACT_ENDPOINTS'] = 'fake';
await registerContractSuite();
