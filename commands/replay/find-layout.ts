// Which layout a file is of.

import { UsageError } from "../../lib/core/usage-error.ts";
import type { Layout } from "./layout.ts";
import { layouts, recognised } from "./layouts/index.ts";
import { type Encoding, headOf } from "./text.ts";

/** What is no table at all, by how its text begins. */
const OTHERS = [
  [/^\s*[[{]/, "is JSON, which is not read: write its readings as CSV"],
  [/^\s*<(!doctype html|html)/i, "is an HTML page, perhaps that of a login: download the file itself"],
  [/^%PDF/, "is a PDF: ask for CSV"],
  [/^"?100"?,"?NEM13"?,/, "is NEM13 (accumulated readings of months), which is not read: ask for NEM12"],
] as const;

/** @throws Error where the file's start tells none, or several */
export async function findLayout(path: string, encoding: Encoding | null): Promise<Layout> {
  const head = await headOf(path, encoding);
  const [layout, ...others] = recognised(head);
  if (layout !== undefined && others.length === 0) return layout;
  if (layout !== undefined)
    throw new UsageError(
      `${path} may be ${[layout, ...others].map(({ name }) => name).join(" or ")}: say which by --format`,
    );
  const what = OTHERS.find(([begins]) => begins.test(head))?.[1];
  if (what !== undefined) throw new Error(`${path} ${what}`);
  const [firstLine = ""] = head.split(/\r\n|\n|\r/, 1);
  throw new Error(
    `${path} is of no layout that is known (${[...layouts.keys()].join(", ")}); a table needs --map "meter_id=COLUMN,reading=COLUMN,timestamp=COLUMN", see --help. It begins: ${firstLine.slice(0, 200)}`,
  );
}
