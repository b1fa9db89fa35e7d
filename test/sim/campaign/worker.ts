import { playPortion } from './campaign.ts';
import { campaignBundle } from './players.ts';

// One process of a campaign: plays the portions that it is told, and says what came of each.

const seed = Number(process.argv[2]);
const bundle = campaignBundle();

process.on('message', (portion: number) => {
  void bundle
    .then((ready) => playPortion(ready, seed, portion))
    .then((played) => process.send?.(played))
    .catch((error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
      process.exit(1);
    });
});
process.on('disconnect', () => process.exit(0));
