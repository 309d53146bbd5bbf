// What is particular to a stream, as data: a file of this folder for each stream says it once, and all the rest follows from
// it: decoding and refusals (stream-of.ts), the published JSON Schema (schema.ts), the tables and functions of PostgreSQL
// (lib/postgres/stream-sql.ts), topics, roles and alarms (infra/). docs/add-a-stream.md goes through it.

/** What must be known to whoever does not read the stream's events. */
export interface StreamSettings {
  /** In small letters; names tables, functions, metrics and variables. */
  readonly name: string;
  /** The environment variable that names the topic. Its trigger's group is named by KAFKA_GROUP_… */
  readonly topicVariable: `KAFKA_TOPIC_${string}`;
  /** The topic where the variable is not set. */
  readonly topic: string;
  /** Of a new topic: as many as the stage has, or one where events are few. */
  readonly partitions: "many" | 1;
  readonly windowMinutes: number;
}

interface Named {
  /** Its name in the JSON object. */
  readonly field: string;
}

interface Kept {
  /** Its name in the decoded event; without one it is checked and not kept. */
  readonly as?: string;
}

/** May be absent or null. */
interface Optional {
  readonly optional?: true;
}

/** A field with the rule that it has to keep, or the record is refused. Read in the order in which they are declared. */
export type FieldRule = Named &
  (
    | ({ readonly kind: "text"; readonly longest: number } & Kept & Optional)
    | ({ readonly kind: "number"; readonly min: number; readonly max: number } & Kept)
    /** Powers of ten that lead from each unit to the one that is summed; the first unit where the field is absent or null. */
    | { readonly kind: "unit"; readonly powers: Readonly<Record<string, number>>; readonly as: string }
    /** The event's time; kept as `timeUs`. */
    | { readonly kind: "instant" }
    /** `{lat, lon}` in degrees; `as` names both. */
    | ({ readonly kind: "place"; readonly as?: readonly [string, string] } & Optional)
    /** Whether HTTP says that the time is of its own making: then it is no content of the event's. */
    | { readonly kind: "stamp"; readonly as: string }
  );

/** A column of the rows, by how two values of it become one. `of` is a name in the decoded event. */
export interface SumColumn {
  readonly column: string;
  readonly merge: "add" | "addSquares" | "least" | "greatest" | "countBy";
  readonly of: string;
  /** The event's unit, where it has one: what is added are values in the unit whose power is 0. */
  readonly in?: string;
}

/** A column that is computed when somebody reads. */
export type ShownColumn =
  | string
  | { readonly column: string; readonly average: string }
  | { readonly column: string; readonly deviation: readonly [sum: string, squares: string] }
  | { readonly column: string; readonly dominant: string };

export interface KeyColumn {
  readonly column: string;
  readonly of: string;
}

/** What rows are of, beside the window. Rows name it by a number, and a table has the number of each. */
export interface RowKey {
  readonly table: string;
  /** The column with the number. */
  readonly number: string;
  /** The SQL function that finds and enters numbers. */
  readonly numbers: string;
  /** The last one is looked for without the others. */
  readonly columns: readonly KeyColumn[];
}

/** How events come over HTTP: as they stand in the topic, but for an id and a time that may be left to ingest. */
export interface HttpEntry {
  readonly path: string;
  /** The field that names the device; key of the record. */
  readonly device: string;
  /** Fields that are required here beside those of every event. */
  readonly also: readonly string[];
  /** Fields without a rule that are passed on. */
  readonly free: readonly string[];
}

export interface StreamRules {
  readonly stream: StreamSettings;
  readonly fields: readonly FieldRule[];
  readonly http?: HttpEntry;
  /** Fields by which a producer's retry is known and counted once; null where events have no identity. */
  readonly identity: readonly string[] | null;
  /** What of an event is counted, beside its time: an identity that comes with other content is in conflict. */
  readonly content: readonly string[];
  /** Values that break no rule and are likely to be another unit: a key of doubt.ts. */
  readonly doubts?: "sensor" | "weather";
  /** What of the event its station measured, for doubts by the station's history. */
  readonly station?: { readonly latitude: string; readonly longitude: string; readonly celsius: string };
  /** null: one row for each window. */
  readonly key: RowKey | null;
  /** The column that counts events. */
  readonly count: string;
  readonly columns: readonly SumColumn[];
  /** The columns of the view, in order, beside the window, the key and those that every view has after them. */
  readonly shown: readonly ShownColumn[];
}

type ColumnOf<C> = C extends string
  ? Exclude<C, "created_at">
  : C extends { column: infer N extends string }
    ? N
    : never;
type KeyColumnOf<K> = K extends { columns: readonly (infer C)[] } ? ColumnOf<C> : never;

/** What the published schema and the database's comments say of a stream: a text for each field and column. */
export interface WordsOf<R extends StreamRules> {
  /** What one event is. */
  readonly title: string;
  readonly fields: Readonly<Record<Exclude<R["fields"][number], { kind: "stamp" }>["field"], string>>;
  /** What the rows hold; and, after a colon, what there is one row for. */
  readonly rows: string;
  readonly each: string;
  /** What the key names; empty without a key. */
  readonly key: string;
  readonly columns: Readonly<
    Record<
      ColumnOf<R["columns"][number]> | ColumnOf<R["shown"][number]> | KeyColumnOf<R["key"]> | R["count"],
      string
    >
  >;
}

export type StreamWords = WordsOf<StreamRules>;
