declare const functionOfStream: Readonly<
  Record<keyof typeof import("../lib/streams/declared.ts")["streamSettings"], string>
>;
export = functionOfStream;
