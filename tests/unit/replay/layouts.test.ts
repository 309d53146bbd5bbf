// The built-in layouts: what each reads from a file like those of its source, and what it refuses to count.
import { describe, expect, test } from "vitest";
import { layouts, recognised } from "../../../commands/replay/layouts/index.ts";
import { checksumOf } from "../../../commands/replay/layouts/telegram.ts";
import { layoutNamed, readText } from "./reading-files.ts";

const read = (name: string, text: string, meter: string | null = null) =>
  readText(text, layoutNamed(name), { layoutOptions: { meter, zone: null } });

const days = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i);

/** A telegram as a meter sends it, with its checksum. */
function telegram(...lines: string[]): string {
  const body = `/XYZ5 METER\r\n\r\n${lines.map((line) => `${line}\r\n`).join("")}!`;
  return `${body}${checksumOf(body)}\r\n`;
}

const nem12 = [
  "100,NEM12,202610260930,MDP1,Retailer1",
  "200,NMI0000001,E1B1,1,E1,N1,SERIAL1,KWH,30,",
  `300,20261025,${days(1, 48).join(",")},A,,,20261026093000,`,
  "200,NMI0000001,E1B1,2,B1,N1,SERIAL1,WH,30,",
  `300,20261025,${days(1, 48)
    .map(() => "250")
    .join(",")},V,,,20261026093000,`,
  "400,1,46,A,,",
  "400,47,48,N,,",
  "200,NMI0000001,E1Q1,3,Q1,N1,SERIAL1,KVARH,30,",
  `300,20261025,${days(1, 48).join(",")},A,,,20261026093000,`,
  "900",
  "",
].join("\r\n");

const greenButton = (unit: number, flow = 1) => `<?xml version="1.0"?>
<feed xmlns="http://www.w3.org/2005/Atom" xmlns:espi="http://naesb.org/espi">
 <entry><link rel="self" href="/R/1/UsagePoint/U7"/><content><espi:UsagePoint/></content></entry>
 <entry><link rel="up" href="/R/1/UsagePoint/U7/MeterReading/1/IntervalBlock"/><content><espi:IntervalBlock>
  <espi:interval><espi:duration>7200</espi:duration><espi:start>1767225600</espi:start></espi:interval>
  <espi:IntervalReading><espi:cost>5</espi:cost><espi:timePeriod><espi:duration>3600</espi:duration><espi:start>1767225600</espi:start></espi:timePeriod><espi:value>1234</espi:value></espi:IntervalReading>
  <espi:IntervalReading><espi:timePeriod><espi:duration>3600</espi:duration><espi:start>1767229200</espi:start></espi:timePeriod><espi:value>7</espi:value></espi:IntervalReading>
 </espi:IntervalBlock></content></entry>
 <entry><link rel="self" href="/R/1/UsagePoint/U7/MeterReading/1"/><link rel="up" href="/R/1/UsagePoint/U7/MeterReading"/><link rel="related" href="/R/1/ReadingType/5"/><content><espi:MeterReading/></content></entry>
 <entry><link rel="self" href="/R/1/ReadingType/5"/><content><espi:ReadingType><espi:accumulationBehaviour>4</espi:accumulationBehaviour><espi:flowDirection>${flow}</espi:flowDirection><espi:intervalLength>3600</espi:intervalLength><espi:powerOfTenMultiplier>-1</espi:powerOfTenMultiplier><espi:uom>${unit}</espi:uom></espi:ReadingType></content></entry>
</feed>`;

const uk = (date: string, cells: number) =>
  `MPAN,Measurement Quantity,Date,${days(1, 50)
    .map((n) => `HH${n}`)
    .join(",")}\n1200000000001,AI,${date},${days(1, 50)
    .map((n) => (n <= cells ? "0.5" : ""))
    .join(",")}\n1200000000001,RI,${date},${days(1, 50)
    .map(() => "9")
    .join(",")}\n`;

const p1 =
  telegram(
    "0-0:1.0.0(261025025500S)",
    "0-0:96.1.1(4B383030)",
    "1-0:1.8.1(000100.000*kWh)",
    "1-0:1.8.2(000050.5*kWh)",
  ) +
  telegram(
    "0-0:1.0.0(261025025500W)",
    "0-0:96.1.1(4B383030)",
    "1-0:1.8.1(000100.250*kWh)",
    "1-0:1.8.2(000050.500*kWh)",
    "1-0:1.7.0(00.244*kW)",
    "0-1:24.2.1(261025020000W)(00671.790*m3)",
  );

const enedis = [
  "Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;Grandeur metier;Etape metier;Unite;Pas en minutes",
  "19100000000001;Courbe de charge;25/10/2026;26/10/2026;Energie active;Consommation;Comptage Brut;W;30",
  "Horodate;Valeur",
  "2026-10-25T00:30:00+02:00;301",
  "2026-10-25T01:00:00+02:00;",
  "",
].join("\r\n");

const fluvius = [
  "Van (datum);Van (tijdstip);Tot (datum);Tot (tijdstip);EAN-code;Meter;Metertype;Register;Volume;Eenheid;Validatiestatus;Omschrijving",
  '25-10-2026;01:45:00;25-10-2026;02:00:00;="541400000000000001";1SAG1;Digitale meter;Afname Nacht;0,1;kWh;Uitgelezen;',
  '25-10-2026;02:45:00;25-10-2026;02:00:00;="541400000000000001";1SAG1;Digitale meter;Afname Nacht;0,123;kWh;Uitgelezen;',
  '25-10-2026;02:00:00;25-10-2026;02:15:00;="541400000000000001";1SAG1;Digitale meter;Afname Nacht;1,5;kWh;Uitgelezen;',
  '25-10-2026;12:00:00;25-10-2026;12:15:00;="541400000000000001";1SAG1;Digitale meter;Injectie Dag;0,75;kWh;Uitgelezen;',
  '25-10-2026;12:00:00;25-10-2026;12:15:00;="541400000000000001";1SAG1;Digitale meter;Afname Dag;;kWh;Geen verbruik;',
  '25-10-2026;12:00:00;25-10-2026;12:15:00;="541400000000000002";2SAG1;Gasmeter;Afname Dag;1,2;m3;Uitgelezen;',
  "",
].join("\r\n");

const entsoE = [
  '"Time (CET/CEST)","Day-ahead Total Load Forecast [MW] - BZN|XY","Actual Total Load [MW] - BZN|XY"',
  '"25.10.2026 01:00 - 25.10.2026 02:00","9","400"',
  '"25.10.2026 02:00 - 25.10.2026 03:00","9","401"',
  '"25.10.2026 02:00 - 25.10.2026 03:00","9","402"',
  '"25.10.2026 03:00 - 25.10.2026 03:15","9","n/e"',
  '"25.10.2026 03:15 - 25.10.2026 03:30","9","403"',
  "",
].join("\n");

const history = [
  "entity_id,state,last_changed",
  "sensor.house_energy,100.5,2026-01-01T00:00:00.000Z",
  "sensor.house_energy,unavailable,2026-01-01T00:30:00.000Z",
  "sensor.house_energy,101,2026-01-01T01:00:00.000Z",
  "sensor.house_energy,0,2026-01-01T02:00:00.000Z",
  "sensor.house_energy,0.25,2026-01-01T03:00:00.000Z",
  "sensor.heater_wh,5,2026-01-01T00:00:00.000Z",
  "sensor.heater_wh,9,2026-01-01T01:00:00.000Z",
  "sensor.house_power,300,2026-01-01T01:00:00.000Z",
  "",
].join("\n");

describe("green-button", () => {
  test("links stand in any order; the power of ten, the duration and the line count", async () => {
    const { lines, readings, doubts } = await read("green-button", greenButton(72));
    expect(lines).toEqual(["U7 2026-01-01T00:00Z 123.4 Wh", "U7 2026-01-01T01:00Z 0.7 Wh"]);
    expect(readings.map(({ line }) => line)).toEqual([6, 7]);
    expect(doubts).toEqual([]);
  });
  test("reverse flow is a meter of its own; W is a power", async () => {
    expect((await read("green-button", greenButton(38, 19), "m")).lines).toEqual([
      "m-export 2026-01-01T00:00Z 123.4 Wh",
      "m-export 2026-01-01T01:00Z 0.7 Wh",
    ]);
  });
  test("gas is refused by its unit", async () => {
    const { lines, skipped } = await read("green-button", greenButton(42));
    expect(lines).toEqual([]);
    expect(Object.keys(skipped)).toEqual(["the unit m\u00b3 is no active electric energy"]);
  });
  test("the same energy by two kinds of reading is doubted", async () => {
    const second = greenButton(72)
      .replace("</feed>", "")
      .concat(
        '<entry><link rel="self" href="/R/1/UsagePoint/U7/MeterReading/2"/><link rel="up" href="/R/1/UsagePoint/U7/MeterReading"/><link rel="related" href="/R/1/ReadingType/6"/><content><MeterReading/></content></entry>',
        '<entry><link rel="self" href="/R/1/ReadingType/6"/><content><ReadingType><flowDirection>1</flowDirection><intervalLength>86400</intervalLength><uom>72</uom></ReadingType></content></entry>',
        '<entry><link rel="up" href="/R/1/UsagePoint/U7/MeterReading/2/IntervalBlock"/><content><IntervalBlock><IntervalReading><timePeriod><duration>86400</duration><start>1767225600</start></timePeriod><value>9</value></IntervalReading></IntervalBlock></content></entry></feed>',
      );
    expect((await read("green-button", second)).doubts).toEqual(["register", "interval"]);
  });
  test("net flow is an import that may be negative, and is doubted then", async () => {
    const { lines, doubts } = await read("green-button", greenButton(72, 4).replace(">1234<", ">-1234<"));
    expect(lines[0]).toBe("U7 2026-01-01T00:00Z -123.4 Wh");
    expect(doubts).toEqual(["negative"]);
  });

  test("continuous cumulative readings are standings", async () => {
    const { lines } = await read(
      "green-button",
      greenButton(72).replace("Behaviour>4<", "Behaviour>2<").replace(">7<", ">1244<"),
    );
    expect(lines).toEqual(["U7 2026-01-01T00:00Z 1.0 Wh"]);
  });

  test("energy of a day would count in its first hour: doubted", async () => {
    const { doubts } = await read(
      "green-button",
      greenButton(72).replaceAll("duration>3600<", "duration>86400<"),
    );
    expect(doubts).toEqual(["interval"]);
  });

  test("XML that is cut off is an error with its line", async () => {
    await expect(read("green-button", greenButton(72).slice(0, 900))).rejects.toThrow(
      /XML is malformed in line \d+/,
    );
  });
});

describe("nem12", () => {
  test("market time, registers, units, qualities", async () => {
    const { lines, leftOut, skipped } = await read("nem12", nem12);
    expect(lines.filter((line) => line.startsWith("NMI0000001 "))).toHaveLength(48);
    expect(lines[0]).toBe("NMI0000001 2026-10-24T14:00Z 1 kWh");
    expect(lines.at(-2)).toBe("NMI0000001 2026-10-25T13:00Z 47 kWh");
    expect(lines.filter((line) => line.startsWith("NMI0000001-export"))).toHaveLength(46);
    expect(lines[1]).toBe("NMI0000001-export 2026-10-24T14:00Z 250 Wh");
    expect(leftOut).toEqual({ "quality N: no value": "5", "register Q1: no active energy": "9" });
    expect(skipped).toEqual({});
  });
  test("an interval's length that is not that of row 200 is no reading", async () => {
    const { lines, skipped } = await read("nem12", nem12.replace("KWH,30", "KWH,15"));
    expect(lines.every((line) => line.startsWith("NMI0000001-export"))).toBe(true);
    expect(Object.values(skipped)).toEqual(["3"]);
  });
  test("a file without its last row is doubted", async () => {
    expect((await read("nem12", nem12.replace(/900\r\n$/, ""))).doubts).toEqual(["layout"]);
  });
});

describe("uk-half-hourly", () => {
  test.each([
    ["25/10/2026", 50, "2026-10-24T23:00Z", "2026-10-25T23:30Z"],
    ["2026-03-29", 46, "2026-03-29T00:00Z", "2026-03-29T22:30Z"],
    ["01/07/2026", 48, "2026-06-30T23:00Z", "2026-07-01T22:30Z"],
  ])("settlement periods of %s", async (date, cells, first, last) => {
    const { lines, leftOut } = await read("uk-half-hourly", uk(date, cells));
    expect(lines).toHaveLength(cells);
    expect([lines[0], lines.at(-1)]).toEqual([
      `1200000000001 ${first} 0.5 kWh`,
      `1200000000001 ${last} 0.5 kWh`,
    ]);
    expect(leftOut).toEqual({ "RI: no active energy": "3" });
  });
  test("columns named by the clock that name ends", async () => {
    const clocks = days(1, 48).map(
      (n) => `${String(Math.floor(n / 2) % 24).padStart(2, "0")}:${n % 2 === 0 ? "00" : "30"}`,
    );
    const { lines } = await read(
      "uk-half-hourly",
      `Meter Serial,Date,${clocks.join(",")}\nM1,2026-01-01,${days(1, 48).join(",")}\n`,
    );
    expect([lines[0], lines.at(-1)]).toEqual(["M1 2026-01-01T00:00Z 1 kWh", "M1 2026-01-01T23:30Z 48 kWh"]);
  });
});

test("octopus: stamps with an offset, other columns unread", async () => {
  const text =
    "Consumption (kwh), Estimated Cost Inc. Tax (p), Start, End\n0.215000,4.1, 2026-10-25T01:30:00+01:00, 2026-10-25T01:00:00+00:00\n0.2,4.1, 2026-10-25T01:00:00+00:00, 2026-10-25T01:30:00+00:00\n";
  expect((await read("octopus", text, "home")).lines).toEqual([
    "home 2026-10-25T00:30Z 0.215000 kWh",
    "home 2026-10-25T01:00Z 0.2 kWh",
  ]);
});

describe("dsmr", () => {
  test("standings by tariff, an hour apart though the clock shows the same; gas is left out", async () => {
    const { lines, leftOut, doubts } = await read("dsmr", p1);
    expect(lines).toEqual(["K800 2026-10-25T00:55Z 0.250 kWh", "K800 2026-10-25T00:55Z 0.000 kWh"]);
    expect(Object.keys(leftOut)).toContain("0-1:24.2.1 (m3): gas, heat or water, no electric energy");
    expect(doubts).toEqual([]);
  });
  test("a damaged telegram is doubted, one that does not end is skipped", async () => {
    const damaged = p1.replace("000100.250", "000900.250");
    expect((await read("dsmr", damaged)).doubts).toEqual(["layout"]);
    const cut = `/XYZ5 METER\r\n\r\n0-0:1.0.0(261025025400S)\r\n${p1}`;
    expect((await read("dsmr", cut)).skipped).toEqual({ "the telegram does not end with !": "1" });
  });
});

describe("enedis", () => {
  test("a power at the end of its half hour; production is an export", async () => {
    const { lines, skipped } = await read("enedis", enedis);
    expect(lines).toEqual(["19100000000001 2026-10-24T22:00Z 150.5 Wh"]);
    expect(skipped).toEqual({ "Valeur is missing": "5" });
    const production = enedis.replace("Consommation", "Production").replace(";30\r", ";\r");
    const doubted = await read("enedis", production);
    expect(doubted.lines).toEqual(["19100000000001-export 2026-10-24T22:00Z 150.5 Wh"]);
    expect(doubted.doubts).toEqual(["interval"]);
  });
});

describe("enedis, without steps", () => {
  const unsaid = (...rows: string[]) =>
    enedis.replace(";W;30", ";W;").split("\r\n").slice(0, 3).concat(rows).join("\r\n");

  test("the distance of the rows is the step, also where it changes; doubted", async () => {
    const { lines, doubts, survey } = await read(
      "enedis",
      unsaid(
        "2018-12-07T01:00:00+01:00;1000",
        "2018-12-07T02:00:00+01:00;1000",
        "2018-12-07T02:10:00+01:00;600",
        "2018-12-07T02:20:00+01:00;600",
      ),
    );
    expect(lines).toEqual([
      "19100000000001 2018-12-06T23:00Z 1000 Wh",
      "19100000000001 2018-12-07T00:00Z 1000 Wh",
      "19100000000001 2018-12-07T01:00Z 100 Wh",
      "19100000000001 2018-12-07T01:10Z 100 Wh",
    ]);
    expect(doubts).toEqual(["interval"]);
    expect(survey.doubts()[0]?.text).toContain("60 min (2 rows), 10 min (2 rows)");
  });

  test("a row alone has no step, and is skipped", async () => {
    const { skipped } = await read("enedis", unsaid("2018-12-07T01:00:00+01:00;1000"));
    expect(Object.values(skipped)).toEqual(["4"]);
  });

  test("readings of registers are refused", async () => {
    const r64 =
      "Identifiant PRM;Unit\u00e9;Horodate;Valeur;Type rel\u00e8ve;Cadran\n19;Wh;2026-02-01T00:00:00+01:00;10000000;AQ;1\n";
    await expect(read("enedis", r64)).rejects.toThrow(/line 1: readings of registers/);
  });
});

describe("fluvius", () => {
  const row = (ean: string, until: string) =>
    `${fluvius.split("\r\n")[0]}\r\n01-02-2026;00:00:00;${until};${ean};;AMR-meter;Afname Actief;3,179;kWh;Gevalideerd;\r\n`;

  test("an EAN with = and without quotes; one that is not there", async () => {
    const { lines } = await read("fluvius", row("=541448860000000002", "01-02-2026;00:15:00"));
    expect(lines).toEqual(["541448860000000002 2026-01-31T23:00Z 3.179 kWh"]);
    expect((await read("fluvius", row("", "01-02-2026;00:15:00"), "huis")).lines).toEqual([
      "huis 2026-01-31T23:00Z 3.179 kWh",
    ]);
  });

  test("the total of a day would count in its first hour: doubted", async () => {
    const { doubts } = await read("fluvius", row("1", "02-02-2026;00:00:00"));
    expect(doubts).toEqual(["interval"]);
  });
});

describe("entso-e, quarters of an hour where the clocks change", () => {
  const table = (...periods: string[]) =>
    `"Time (CET/CEST)","Actual Total Load [MW] - BZN|AT"\n${periods.map((period) => `"${period}","4"\n`).join("")}`;

  test("back, and forward: each quarter is a quarter", async () => {
    const { lines } = await read(
      "entso-e",
      table(
        "25.10.2026 02:45 - 25.10.2026 02:00",
        "25.10.2026 02:00 - 25.10.2026 02:15",
        "25.10.2026 02:45 - 25.10.2026 03:00",
        "25.10.2026 03:00 - 25.10.2026 03:15",
      ),
    );
    expect(lines.map((line) => line.split(" ").slice(1).join(" "))).toEqual([
      "2026-10-25T00:45Z 1 MWh",
      "2026-10-25T01:00Z 1 MWh",
      "2026-10-25T01:45Z 1 MWh",
      "2026-10-25T02:00Z 1 MWh",
    ]);
    expect((await read("entso-e", table("29.03.2026 01:45 - 29.03.2026 03:00"))).lines).toEqual([
      "BZN|AT 2026-03-29T00:45Z 1 MWh",
    ]);
  });

  test("CEST and CET beside the time say which is meant", async () => {
    const { lines } = await read(
      "entso-e",
      '"MTU (CET/CEST)","Area","Actual Total Load (MW)"\n"25/10/2026 02:00:00 (CET) - 25/10/2026 02:15:00 (CET)","AT","4"\n' +
        '"25/10/2026 02:45:00 (CEST) - 25/10/2026 02:00:00 (CET)","AT","4"\n',
    );
    expect(lines).toEqual(["AT 2026-10-25T00:45Z 1 MWh", "AT 2026-10-25T01:00Z 1 MWh"]);
  });
});

test("fluvius: registers, decimal comma, spreadsheets' text, export, gas refused, an hour that occurs twice", async () => {
  const { lines, skipped } = await read("fluvius", fluvius);
  expect(lines).toEqual([
    "541400000000000001 2026-10-24T23:45Z 0.1 kWh",
    "541400000000000001 2026-10-25T00:45Z 0.123 kWh",
    "541400000000000001 2026-10-25T01:00Z 1.5 kWh",
    "541400000000000001-export 2026-10-25T11:00Z 0.75 kWh",
  ]);
  expect(Object.values(skipped)).toEqual(["6", "7"]);
  expect(Object.keys(skipped)[1]).toMatch(/unit "m3" is a volume/);
});

test("entso-e: actual load, no forecast; the hour that occurs twice; another resolution from then on", async () => {
  const { lines, leftOut } = await read("entso-e", entsoE);
  expect(lines).toEqual([
    "BZN|XY 2026-10-24T23:00Z 400 MWh",
    "BZN|XY 2026-10-25T00:00Z 401 MWh",
    "BZN|XY 2026-10-25T01:00Z 402 MWh",
    "BZN|XY 2026-10-25T02:15Z 100.75 MWh",
  ]);
  expect(leftOut).toEqual({ 'no load ("n/e")': "5" });
});

test("entso-e-files: each area by its type", async () => {
  const text =
    "DateTime(UTC)\tResolutionCode\tAreaCode\tAreaTypeCode\tTotalLoad[MW]\n2026-01-01 00:15:00\tPT15M\t10Y1\tBZN\t400\n2026-01-01 00:15:00\tPT15M\t10Y1\tCTY\t401\n";
  expect((await read("entso-e-files", text)).lines).toEqual([
    "10Y1 BZN 2026-01-01T00:15Z 100 MWh",
    "10Y1 CTY 2026-01-01T00:15Z 100.25 MWh",
  ]);
});

test("shelly: phases add up in one meter, returned energy is another", async () => {
  const text =
    "Date/time UTC,Active energy Wh (A),Returned energy Wh (A),Active energy Wh (B),Min V (A)\n2026-01-01 00:10,12.5,3,7,229\n";
  const { lines, readings } = await read("shelly", text, "house");
  expect(lines).toEqual([
    "house 2026-01-01T00:10Z 12.5 Wh",
    "house-export 2026-01-01T00:10Z 3 Wh",
    "house 2026-01-01T00:10Z 7 Wh",
  ]);
  expect(new Set(readings.map(({ column }) => column)).size).toBe(3);
  const pro = "timestamp,a_total_act_energy,a_total_act_ret_energy,a_min_voltage\n1767225600,1.25,0.5,230\n";
  expect((await read("shelly-pro", pro, "house")).lines).toEqual([
    "house 2026-01-01T00:00Z 1.25 Wh",
    "house-export 2026-01-01T00:00Z 0.5 Wh",
  ]);
});

test("home-assistant: standings, a fall to 0 is told, power is left out, a unit that nobody names is doubted", async () => {
  const { lines, skipped, leftOut, doubts } = await read("home-assistant", history);
  expect(lines).toEqual([
    "sensor.house_energy 2026-01-01T00:00Z 0.5 kWh",
    "sensor.heater_wh 2026-01-01T00:00Z 4 Wh",
    "sensor.house_energy 2026-01-01T02:00Z 0.25 kWh",
  ]);
  expect(Object.values(skipped)).toEqual(["5"]);
  expect(Object.keys(leftOut)).toContain("sensor.house_power: by its name no energy");
  expect(doubts).toEqual(["unit"]);
});

describe("openems", () => {
  test("counters by channel addresses", async () => {
    const text =
      "timestamp,_sum/ConsumptionActiveEnergy,_sum/ConsumptionActivePower,_sum/ProductionActiveEnergy\n2026-01-01T00:00:00+01:00,1000,500,5\n2026-01-01T00:05:00+01:00,1042,500,6\n";
    expect((await read("openems", text)).lines).toEqual([
      "openems 2025-12-31T23:00Z 42 Wh",
      "openems-production 2025-12-31T23:00Z 1 Wh",
    ]);
  });
  test("mean powers hold until the next row, but not over a gap", async () => {
    const text =
      "Datum/Uhrzeit;Netzbezug [W];Verbrauch [W]\n01.01.2026 00:00:00;0;1200\n01.01.2026 00:15:00;0;800\n01.01.2026 06:00:00;0;400\n";
    const { lines } = await read("openems-semicolon", text);
    expect(lines.filter((line) => line.startsWith("openems "))).toEqual([
      "openems 2025-12-31T23:00Z 300 Wh",
      "openems 2025-12-31T23:15Z 200 Wh",
      "openems 2026-01-01T05:00Z 100 Wh",
    ]);
  });
});

describe("auto", () => {
  const samples: Readonly<Record<string, string>> = {
    "green-button": greenButton(72),
    nem12,
    "uk-half-hourly": uk("25/10/2026", 50),
    dsmr: p1,
    enedis,
    fluvius,
    "entso-e": entsoE,
    "home-assistant": history,
    "victoria-demand": "Time,Demand\n2026-01-01T00:00:00Z,4000\n",
  };
  test.each(Object.keys(samples))("%s is recognised, and nothing else in it", (name) => {
    expect(recognised(samples[name] ?? "").map((layout) => layout.name)).toEqual([name]);
  });
  test("every layout says what its stamps and units are", () => {
    for (const { about } of layouts.values()) expect(about).toMatch(/W|energy|kWh|kW|MW/);
  });
});
