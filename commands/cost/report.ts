// What `npm run cost` prints.

import { tableOf } from "../terminal/table.ts";
import { type Bill, HOURS_PER_MONTH, totalOf } from "./bill.ts";
import { bases, compiled, type Price, type PriceName, type Prices, WHOLE_REGION, warning } from "./prices.ts";

/** Events per second; null: at no load up to 10^8, 0: at every one. */
interface BreakEven {
  readonly engine: string;
  readonly eventsPerSecond: number | null;
}

export interface Estimate {
  readonly title: string;
  readonly eventsPerSecond: number;
  readonly bills: readonly Bill[];
  readonly breakEven: readonly BreakEven[];
}

const usd = (value: number) =>
  value.toLocaleString("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const quantity = (value: number) => value.toLocaleString("en", { maximumSignificantDigits: 4 });

/** What of the sum rests on prices that stand in for the region's, and so is to be checked first. */
function standInOf(bill: Bill, region: string): string {
  const lines = bill.lines.filter((line) => line.region !== region);
  return lines.length === 0 ? "" : `; ${usd(totalOf({ ...bill, lines }))} of it at ${WHOLE_REGION}'s prices`;
}

function printBill(bill: Bill, prices: Prices, region: string): void {
  const rows = [
    ["USD a month".padStart(12), "  for", "quantity a month × price in USD"],
    ...bill.lines.map((line) => {
      const { usd: price, per } = prices(line.price);
      return [
        usd(line.usd).padStart(12),
        `  ${line.item}`,
        `${quantity(line.quantity)} × ${price} per ${per}${line.region === region ? "" : `: ${line.region}'s price`}`,
      ];
    }),
  ];
  const total = totalOf(bill);
  console.log(
    `\n${bill.name}: ${usd(total)} USD a month, ${usd(total / HOURS_PER_MONTH)} an hour${standInOf(bill, region)}`,
  );
  for (const limit of bill.limits) console.log(`  DOES NOT CARRY THIS LOAD: ${limit}`);
  for (const note of bill.notes) console.log(`  ${note}`);
  console.log(tableOf(rows));
}

/** The bill, and that of other engines beside it. */
export function printEstimate(
  { title, eventsPerSecond, bills, breakEven: points }: Estimate,
  prices: Prices,
  region: string,
): void {
  console.log(`\n── ${title}: ${quantity(eventsPerSecond)} events/s`);
  const [ours, ...others] = bills;
  if (ours !== undefined) printBill(ours, prices, region);
  console.log("\nBeside it the same on other engines, with Kafka, database and network");
  const size = (bill: Bill) =>
    bill === ours ? "as above" : `${bill.notes[0] ?? ""}${standInOf(bill, region)}`;
  console.log(
    tableOf([
      ["USD a month".padStart(12), "  engine", "of what size"],
      ...bills.map((bill) => [usd(totalOf(bill)).padStart(12), `  ${bill.name}`, size(bill)]),
    ]),
  );
  for (const bill of others) for (const limit of bill.limits) console.log(`  ${bill.name}: ${limit}`);
  const from = (point: number | null) =>
    point === null ? "at no load" : point === 0 ? "at every load" : `from ${quantity(point)} events/s on`;
  for (const { engine, eventsPerSecond: point } of points)
    console.log(`  ${engine} is cheaper ${from(point)} of this shape`);
}

/** Prices that bills have used, each once. */
export function pricesIn(estimates: readonly Estimate[], prices: Prices): (readonly [PriceName, Price])[] {
  const names = new Set(estimates.flatMap(({ bills }) => bills.flatMap((b) => b.lines.map((l) => l.price))));
  return [...names].map((name) => [name, prices(name)]);
}

/** Where each price is from, and which are to be looked up. */
export function printSources(used: readonly (readonly [PriceName, Price])[], region: string): void {
  console.log(`\nPrices of ${region} in USD, compiled ${compiled}. ${warning}`);
  console.log(
    tableOf([
      ["price", "USD", "per", "of region", "basis", "of", "check on", "read in"],
      ...used.map(([name, { usd: value, per, region: of, basis, date, page, source }]) => {
        return [name, String(value), per, of, basis, date, page, source];
      }),
    ]),
  );
  for (const [basis, meaning] of Object.entries(bases)) console.log(`${basis}: ${meaning}`);
  const standIns = used.filter(([, price]) => price.region !== region);
  if (standIns.length === 0) return;
  console.log(
    `\nNo source was found for these prices of ${region}; ${WHOLE_REGION}'s stand in their place, in the loads from which ` +
      `others are cheaper as well. Look each up on its page, and add it under "${region}" in commands/cost/prices.json:`,
  );
  for (const [name, { per, page }] of standIns) console.log(`  ${name}, per ${per}: ${page}`);
}
