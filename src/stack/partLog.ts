import { existsSync, readFileSync, renameSync } from 'node:fs';

const LINES = 15;

/** The last lines of a part's log, with the file's name, for an error message. */
export function readLogTail(logFile: string): string {
  try {
    const lines = readFileSync(logFile, 'utf8').trimEnd().split('\n');
    return `The end of ${logFile}:\n${lines.slice(-LINES).join('\n')}`;
  } catch {
    return `There is no log at ${logFile}.`;
  }
}

/** Puts the log of the previous start aside, so that logs stay small and an error shows this start only. */
export function rotateLog(logFile: string): void {
  if (existsSync(logFile)) renameSync(logFile, logFile.replace(/\.log$/, '.previous.log'));
}
