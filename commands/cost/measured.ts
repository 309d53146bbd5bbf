// What work costs, as measured on one machine (`npm run bench`, `npm run bench:scale`, and other engines on one topic:
// docs/performance.md, "Other engines"; 24 November 2026, two x86 cores). Other machines differ; the comparison rests on
// the ratios.

/** Our functions, µs of CPU at one full vCPU: the trigger's JSON, base64 and fold; a row's SQL parameters. */
export const OUR_FUNCTION_US_PER_EVENT = 3.1;
export const OUR_FUNCTION_US_PER_ROW = 4;

/** What a commit of one event takes: the round trip and the flush of the write-ahead log. */
export const OUR_COMMIT_MS = 2.5;
/** CPU of PostgreSQL for a commit, for each row that it touches, and for the identity that a meter reading leaves. */
export const OUR_DATABASE_US_PER_COMMIT = 450;
export const OUR_DATABASE_US_PER_ROW = 13.6;
export const OUR_DATABASE_US_PER_IDENTITY = 4;
/** The sweeper makes each row final once: wall time of the linear form (docs/scale.md, "What the sweeper costs"). */
export const OUR_DATABASE_US_PER_FINAL_ROW = 9.7;
/** A row inserted or updated, full pages not counted. */
export const WAL_BYTES_PER_ROW = 320;

/** A row of the sensors with both indexes. */
export const BYTES_PER_ROW = 320;
export const BYTES_PER_IDENTITY = 150;

/**
 * Other engines: CPU-s per million events, their own and PostgreSQL's, as a line through the two measured points of
 * 167 and 2.06 events per row written.
 */
export interface EngineCost {
  readonly usPerEvent: number;
  readonly usPerRow: number;
  readonly databaseUsPerRow: number;
}

const SPARSE_ROWS_PER_EVENT = 12_000 / 2_000_000;
const DENSE_ROWS_PER_EVENT = 972_876 / 2_000_000;

function through(sparseUs: number, denseUs: number, denseDatabaseUs: number): EngineCost {
  const usPerRow = (denseUs - sparseUs) / (DENSE_ROWS_PER_EVENT - SPARSE_ROWS_PER_EVENT);
  return {
    usPerRow,
    usPerEvent: sparseUs - usPerRow * SPARSE_ROWS_PER_EVENT,
    databaseUsPerRow: denseDatabaseUs / DENSE_ROWS_PER_EVENT,
  };
}

/** Rows only when a window is final. */
export const flinkCost = through(16.4, 27.7, 5.8);
export const sparkCost = through(23.1, 27.8, 6.25);
