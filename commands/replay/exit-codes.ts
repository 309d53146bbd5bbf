// How `npm run replay` ends.

export const exitCodes = {
  complete: 0,
  failed: 1,
  usage: 2,
  doubted: 3,
  incomplete: 4,
  interrupted: 130,
} as const;

export const exitHelp = `Exit codes:
  0    everything in the file has been sent and counted (--dry-run: would be)
  1    it could not be done: file, broker or database; the last line says what
  2    the options are wrong
  3    something is doubtful: nothing was sent; the lines say which option answers each doubt
  4    sent, but rows were skipped, or events were quarantined, too late, duplicates or in conflict; the last line says which
  130  ended by Ctrl-C`;
