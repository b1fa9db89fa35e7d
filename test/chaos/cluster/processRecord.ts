import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { endProcess, type ProcessIdentity, signalProcess } from '../../../src/stack/processes.ts';

/** Nobody needs what they hold any more. */
const ENDING = [{ signal: 'SIGKILL', waitMs: 10_000 }] as const;

/** The processes that a campaign has started, by identity, in a file that outlives a campaign that was killed. */
export interface ProcessRecord {
  note(name: string, identity: ProcessIdentity): void;
  /** Ends all that are noted and still run, and resolves when they are gone. */
  end(): Promise<void>;
}

/**
 * Opens the record after ending what an earlier owner left. The file must lie outside the campaign's own folder, which
 * is emptied before each run. When this process exits without `end`, whatever is noted is killed.
 */
export async function openProcessRecord(file: string): Promise<ProcessRecord> {
  const noted = new Map<string, ProcessIdentity>(Object.entries(read(file)));
  const end = async () => {
    await Promise.all([...noted.values()].map((identity) => endProcess(identity, ENDING)));
    noted.clear();
    rmSync(file, { force: true });
    process.removeListener('exit', killAll);
  };
  const killAll = () => {
    for (const identity of noted.values()) signalProcess(identity, 'SIGKILL');
  };
  await end();
  process.on('exit', killAll);
  return {
    note: (name, identity) => {
      noted.set(name, identity);
      writeFileSync(file, JSON.stringify(Object.fromEntries(noted)), { mode: 0o600 });
    },
    end,
  };
}

function read(file: string): Readonly<Record<string, ProcessIdentity>> {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return {};
  }
}
