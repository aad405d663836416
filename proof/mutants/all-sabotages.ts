// Every sabotage there is.

import { AGGREGATOR_SABOTAGES } from './aggregator-sabotages.ts';
import { BATCH_SABOTAGES } from './batch-sabotages.ts';
import { CLAIM_SABOTAGES } from './claim-sabotages.ts';
import { RAW_SABOTAGES } from './raw-sabotages.ts';
import { REDRIVE_SABOTAGES } from './redrive-sabotages.ts';
import type { Sabotage } from './sabotage.ts';
import { SCALE_SABOTAGES } from './scale-sabotages.ts';
import { SERVICE_SABOTAGES } from './service-sabotages.ts';
import { STORE_SABOTAGES } from './store-sabotages.ts';
import { TABLE_SABOTAGES } from './table-sabotages.ts';
import { WRITER_SABOTAGES } from './writer-sabotages.ts';

export const SABOTAGES: readonly Sabotage[] = [
  ...AGGREGATOR_SABOTAGES,
  ...RAW_SABOTAGES,
  ...BATCH_SABOTAGES,
  ...CLAIM_SABOTAGES,
  ...STORE_SABOTAGES,
  ...SCALE_SABOTAGES,
  ...WRITER_SABOTAGES,
  ...REDRIVE_SABOTAGES,
  ...TABLE_SABOTAGES,
  ...SERVICE_SABOTAGES,
];
