// What a stream's tables, functions and views have in common: its columns, with their types, comments and expressions.

import type { RowKey, ShownColumn, StreamRules, StreamWords, SumColumn } from "../streams/declaration.ts";

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly comment: string;
}

/** What is run under a name. */
export interface RenderedSource {
  readonly name: string;
  readonly sql: string;
}

export const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

export const TEXT = 'text COLLATE "C"';

export function windowInWords(minutes: number): string {
  const [count, unit] = minutes % 60 === 0 ? [minutes / 60, "hour"] : [minutes, "minute"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

export const nameOf = (shown: ShownColumn) => (typeof shown === "string" ? shown : shown.column);

export function commentsOn(
  kind: "TABLE" | "VIEW",
  table: string,
  comment: string,
  columns: readonly Omit<Column, "type">[],
): string {
  return [
    `COMMENT ON ${kind} ${table} IS ${quoted(comment)};`,
    ...columns.map((column) => `COMMENT ON COLUMN ${table}.${column.name} IS ${quoted(column.comment)};`),
  ].join("\n");
}

export class StreamColumns {
  readonly rules: StreamRules;
  readonly words: StreamWords;
  readonly name: string;
  readonly window: string;
  readonly key: RowKey | null;
  /** Columns that name a row in the table, and for people. */
  readonly rowKey: readonly string[];
  readonly shownKey: readonly string[];

  constructor(rules: StreamRules, words: StreamWords) {
    this.rules = rules;
    this.words = words;
    this.name = rules.stream.name;
    this.window = `${this.name}_window`;
    this.key = rules.key;
    this.rowKey = ["window_start", ...(rules.key === null ? [] : [rules.key.number])];
    this.shownKey = ["window_start", ...(rules.key?.columns.map(({ column }) => column) ?? [])];
  }

  comment(column: string): string {
    return this.words.columns[column] ?? "";
  }

  windowStart(): Column {
    const length = windowInWords(this.rules.stream.windowMinutes);
    return {
      name: "window_start",
      type: "timestamptz NOT NULL",
      comment: `start of the window of ${length}, UTC-aligned; the row's window holds events from here on`,
    };
  }

  sumColumn({ column, merge }: SumColumn): Column {
    const types = {
      add: "numeric NOT NULL",
      addSquares: "numeric NOT NULL",
      least: "numeric", // null where amendments have left no event
      greatest: "numeric",
      countBy: "jsonb NOT NULL",
    };
    return { name: column, type: types[merge], comment: this.comment(column) };
  }

  /** What the view shows of a row, and the history keeps. */
  shown(): readonly (Column & { readonly of: (row: string) => string })[] {
    const { count, columns, shown } = this.rules;
    return shown
      .filter((one) => one !== "created_at")
      .map((one) => {
        const name = nameOf(one);
        const comment = this.comment(name);
        if (name === count)
          return { name, comment, type: "bigint NOT NULL", of: (row) => `${row}.${name}::bigint` };
        if (typeof one === "string") {
          const column = columns.find((sum) => sum.column === name);
          const type = column === undefined ? "numeric" : this.sumColumn(column).type;
          return { name, comment, type, of: (row) => `${row}.${name}` };
        }
        if ("average" in one)
          return {
            ...{ name, comment, type: "numeric" },
            of: (row) => `${row}.${one.average} / nullif(${row}.${count}, 0)`,
          };
        if ("deviation" in one) {
          const of = (row: string) =>
            `sample_stddev(${[count, ...one.deviation].map((column) => `${row}.${column}`).join(", ")})`;
          return { name, comment, type: "numeric", of };
        }
        return { name, comment, type: TEXT, of: (row) => `dominant_condition(${row}.${one.dominant})` };
      });
  }

  keyJoin(row: string, how: string): string {
    return this.key === null ? "" : ` ${how} ${this.key.table} AS s ON s.id = ${row}.${this.key.number}`;
  }

  keyTexts(): readonly string[] {
    return this.key?.columns.map(({ column }) => `s.${column}`) ?? [];
  }
}
