declare const functionOfStream: Readonly<Record<"sensor" | "consumption" | "weather", string>>;
export = functionOfStream;
