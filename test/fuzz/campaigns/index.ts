/** The campaigns by name. */
import { abi } from './abi.ts';
import type { Campaign } from './campaign.ts';
import { differential } from './differential.ts';
import { engine } from './engine.ts';
import { faults } from './faults.ts';
import { hostile } from './hostile.ts';
import { huge } from './huge.ts';
import { memory } from './memory.ts';
import { overlap } from './overlap.ts';
import { placement } from './placement.ts';
import { steps } from './steps.ts';

// draws are JSON that a campaign made itself and gets back
export const campaigns = Object.fromEntries(
  [differential, placement, steps, hostile, overlap, huge, engine, faults, abi, memory].map((campaign) => [
    campaign.name,
    campaign as unknown as Campaign,
  ]),
);

export function campaignOf(name: string): Campaign {
  const found = campaigns[name];
  if (found === undefined) {
    throw new RangeError(`no campaign is called ${name}; there are ${Object.keys(campaigns).join(', ')}`);
  }
  return found;
}
