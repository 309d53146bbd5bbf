// Loaded before a function (`node --import`): its clock is wrong by CLOCK_OFFSET_MS, for all of its life.

const offsetMs = Number(process.env.CLOCK_OFFSET_MS ?? 0);

const RightDate = Date;
globalThis.Date = new Proxy(RightDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [RightDate.now() + offsetMs] : args, newTarget),
  apply: () => new Date().toString(),
  get: (target, property, receiver) =>
    property === "now" ? () => RightDate.now() + offsetMs : Reflect.get(target, property, receiver),
});
