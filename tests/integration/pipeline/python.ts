// Python with the Kafka client of the existing producers, installed under .local/ when a test first needs it.

import { execFileSync, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

const FOLDER = ".local/python";

/** Whether there is a Python 3 on this machine to run the old producers with. */
export const hasPython = spawnSync("python3", ["-m", "pip", "--version"]).status === 0;

export function installKafkaClient(): void {
  if (existsSync(`${FOLDER}/kafka`)) return;
  const packages = ["kafka-python==2.2.15", "lz4", "python-snappy", "zstandard"];
  execFileSync("python3", ["-m", "pip", "install", "--quiet", "--target", FOLDER, ...packages], {
    stdio: "inherit",
  });
}

export function runPython(script: string, args: readonly string[]): void {
  execFileSync("python3", [script, ...args], {
    env: { ...process.env, PYTHONPATH: FOLDER },
    stdio: "inherit",
  });
}
